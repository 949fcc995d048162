package org.backpack4j.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Examples show what a program can do: they use what a program can use. */
class InternalTypesTest {
  private static final Pattern INTERNAL =
      Pattern.compile("org\\.backpack4j\\.(samediff|dl4j)\\.internal\\.");

  /** They measure kernels by themselves. */
  private static final Set<String> MEASURE_PARTS =
      Set.of("KernelBenchmark.java", "SquaredSumBenchmark.java");

  @Test
  void noExampleNamesAnInternalType() throws IOException {
    try (Stream<Path> files = Files.walk(Path.of("src/main/java"))) {
      assertThat(
              files
                  .filter(file -> file.toString().endsWith(".java"))
                  .filter(file -> INTERNAL.matcher(text(file)).find())
                  .map(file -> file.getFileName().toString()))
          .containsExactlyInAnyOrderElementsOf(MEASURE_PARTS);
    }
  }

  private static String text(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
