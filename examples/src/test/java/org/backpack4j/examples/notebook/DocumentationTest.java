package org.backpack4j.examples.notebook;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Runs what the documentation shows. The Java blocks of a page are run one after the other, as a
 * reader would; what a page takes for granted stands before them in a comment that begins with
 * {@code <!-- java}.
 */
@Timeout(120)
class DocumentationTest {

  private static final Path ROOT = Path.of("..");
  private static final Pattern JAVA =
      Pattern.compile("(?ms)^(?:```java\\n(.*?)^```|<!-- java\\n(.*?)^-->)");
  private static final Pattern PROGRAM = Pattern.compile("-Dexec\\.mainClass=([\\w.]+)");
  private static final Pattern LINK = Pattern.compile("\\]\\((?!https?:|#)([^)#\\s]+)");

  static Stream<Path> pages() throws IOException {
    try (Stream<Path> docs = Files.list(ROOT.resolve("docs"))) {
      return Stream.concat(Stream.of(ROOT.resolve("README.md")), docs.sorted().toList().stream())
          .filter(p -> p.toString().endsWith(".md"));
    }
  }

  static Stream<Path> pagesWithJava() throws IOException {
    return pages().filter(p -> JAVA.matcher(read(p)).find());
  }

  private static String read(Path page) {
    try {
      return Files.readString(page);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @ParameterizedTest
  @MethodSource("pagesWithJava")
  void everyBlockRuns(Path page) {
    CellRunner runner = new CellRunner(System.in, System.out, System.err);
    try {
      for (String entry : System.getProperty("java.class.path").split(File.pathSeparator, -1)) {
        runner.addToClassPath(entry);
      }
      String text = read(page);
      for (MatchResult block : JAVA.matcher(text).results().toList()) {
        int group = block.group(1) != null ? 1 : 2;
        run(runner, page, text.substring(0, block.start(group)), block.group(group));
      }
    } finally {
      runner.close();
    }
  }

  /** Runs a block so that errors name the page's lines. */
  private static void run(CellRunner runner, Path page, String before, String code) {
    String above = "\n".repeat((int) before.chars().filter(c -> c == '\n').count());
    try {
      runner.run(new Cell(0, above + code));
    } catch (CompilationException e) {
      throw new AssertionError(page + ": " + e.getMessage(), e);
    } catch (FailedCellException e) {
      throw new AssertionError(page + ": " + String.join("\n", e.trace()), e);
    }
  }

  @ParameterizedTest
  @MethodSource("pages")
  void everyProgramThatIsNamedExists(Path page) {
    for (MatchResult program : PROGRAM.matcher(read(page)).results().toList()) {
      assertThat(program.group(1))
          .satisfies(name -> Class.forName(name).getMethod("main", String[].class));
    }
  }

  @ParameterizedTest
  @MethodSource("pages")
  void everyLinkLeadsSomewhere(Path page) {
    List<String> links = LINK.matcher(read(page)).results().map(m -> m.group(1)).toList();
    assertThat(links).allSatisfy(l -> assertThat(page.resolveSibling(l)).exists());
  }
}
