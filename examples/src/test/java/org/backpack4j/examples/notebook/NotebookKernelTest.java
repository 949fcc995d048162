package org.backpack4j.examples.notebook;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.dflib.jjava.jupyter.kernel.display.DisplayData;
import org.dflib.jjava.jupyter.kernel.display.mime.MIMEType;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Cells as a person writes them, handed to the kernel without Jupyter around it. */
@Timeout(60)
public class NotebookKernelTest {

  /** How often cells have come around in a loop; cells and tests share this class. */
  public static final AtomicInteger ROUNDS = new AtomicInteger();

  private static final String ROUND =
      NotebookKernelTest.class.getName() + ".ROUNDS.incrementAndGet();";

  private static NotebookKernel kernel;

  @BeforeAll
  static void start() {
    kernel = NotebookKernel.create(Runnable::run);
    kernel.onStartup();
  }

  @AfterAll
  static void stop() {
    kernel.onShutdown(false);
  }

  private static String text(String cell) {
    DisplayData data = kernel.eval(cell);
    return data == null ? null : (String) data.getData(MIMEType.TEXT_PLAIN);
  }

  private static String error(String cell) {
    Throwable thrown = catchThrowable(() -> kernel.eval(cell));
    assertThat(thrown).as(cell).isInstanceOf(RuntimeException.class);
    return String.join("\n", kernel.formatError(thrown)).replaceAll("\u001b\\[[0-9;]*m", "");
  }

  // ---- values ----

  @Test
  void theLastExpressionIsTheCellsValue() {
    assertThat(text("int a = 3;\nint b = 4;\n\n// the sum\na + b\n// done")).isEqualTo("7");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"int c = 3;", "1 + 2;", "// nothing", "", "void nothing() {}\nnothing()", "  \n"})
  void otherCellsHaveNone(String cell) {
    assertThat(text(cell)).isNull();
  }

  @Test
  void valuesAreObjectsOfThisVirtualMachine() {
    ROUNDS.set(0);
    text(ROUND);
    assertThat(ROUNDS).hasValue(1);
  }

  @Test
  void classesMethodsAndRecordsAreDeclaredAndDeclaredAgain() {
    text("record P(int x) { int twice() { return 2 * x; } }\nint f(int x) { return g(x); }");
    text("int g(int x) { return x + 1; }");
    assertThat(text("f(new P(4).twice())")).isEqualTo("9");
    text("int g(int x) { return x - 1; }");
    assertThat(text("f(new P(4).twice())")).isEqualTo("7");
  }

  // ---- errors ----

  @Test
  void whatDoesNotCompileIsShownInItsLine() {
    assertThat(error("int ok = 1;\n\nint wrong = ok +\n    missing;"))
        .contains("line 4: cannot find symbol")
        .contains("   4      missing;\n          ^");
  }

  @Test
  void aMissingBraceIsShownInItsLine() {
    assertThat(error("int x1 = 1;\nfor (int i = 0; i < 3; i++) {\n  x1++;\n"))
        .contains("line 3")
        .contains("reached end of file");
  }

  @Test
  void whatIsThrownIsShownInItsLine() {
    String error = error("int zero = 0;\nint one = 1;\n  // divide\nint many = one / zero;");
    assertThat(error).startsWith("java.lang.ArithmeticException: / by zero\n");
    assertThat(error).contains("line 4\n       4  int many = one / zero;");
  }

  @Test
  void whatAnEarlierCellThrowsIsShownInThatCell() {
    text("int first = 1;\nint inverse(int x) {\n  return 1 / x;\n}");
    String error = error("\n\ninverse(0)");
    assertThat(error).containsSubsequence("at inverse, In [", "], line 3", "3    return 1 / x;");
    assertThat(error).contains("line 3\n").doesNotContain("REPL");
  }

  @Test
  void causesAreShown() {
    assertThat(
            error(
                "try {\n  Objects.requireNonNull(null);\n} catch (NullPointerException e) {\n"
                    + "  throw new IllegalStateException(\"outer\", e);\n}"))
        .containsSubsequence(
            "IllegalStateException: outer",
            "line 4",
            "Caused by: java.lang.NullPointerException",
            "line 2");
  }

  @Test
  void anAssertionErrorIsAnErrorOfTheCell() {
    assertThat(error("throw new AssertionError(\"not so\");")).contains("AssertionError: not so");
  }

  @Test
  void assertionsOfCellsAreHeld() {
    assertThat(error("assert 1 > 2 : \"not so\";")).contains("AssertionError: not so");
  }

  @Test
  void aMethodThatUsesWhatIsNotDeclaredSaysWhat() {
    text("int later() { return undeclared; }");
    assertThat(error("later()")).contains("later").contains("variable undeclared");
  }

  @Test
  void nothingAfterAnErrorRuns() {
    ROUNDS.set(0);
    error("int q = 1 / 0;\n" + ROUND);
    assertThat(ROUNDS).hasValue(0);
  }

  // ---- the class path ----

  @ParameterizedTest
  @ValueSource(
      strings = {"%classpath /no/such.jar", "%classpath /no/such/*.jar", "%jars /no", "%classpath"})
  void aMissingJarIsAnError(String magic) {
    assertThat(error(magic)).containsAnyOf("/no", "Which jars");
  }

  @Test
  void anUnknownMagicIsAnError() {
    assertThat(error("%nonsense x")).contains("nonsense");
  }

  @Test
  void classesOnTheClassPathAreFound(@TempDir Path folder) throws IOException {
    Path source = Files.createDirectories(folder.resolve("extra")).resolve("Extra.java");
    Files.writeString(
        source, "package extra; public class Extra { public static int answer() { return 42; } }");
    javax.tools.ToolProvider.getSystemJavaCompiler().run(null, null, null, source.toString());
    assertThat(text("%classpath " + folder + "\nextra.Extra.answer()")).isEqualTo("42");
  }

  // ---- help while typing ----

  @Test
  void membersAreCompleted() {
    String cell = "import java.util.List;\nvar strings = List.of(\"a\");\nstrings.get(0).toUpp";
    assertThat(kernel.complete(cell, cell.length()).getReplacements()).contains("toUpperCase(");
    assertThat(kernel.complete(cell, cell.length()).getSourceStart())
        .isEqualTo(cell.indexOf("toUpp"));
  }

  @Test
  void variablesOfEarlierCellsAreCompleted() {
    text("int quiteALongName = 1;");
    assertThat(kernel.complete("int z = quiteA", 14).getReplacements()).contains("quiteALongName");
  }

  @Test
  void magicsAreCompleted() {
    assertThat(kernel.complete("%cla", 4).getReplacements()).containsExactly("classpath");
  }

  @Test
  void nothingFitsNonsense() {
    assertThat(kernel.complete("qwertz.asdf", 11)).isNull();
  }

  @Test
  void signaturesAreShown() {
    DisplayData data = kernel.inspect("Math.abs(", 9, false);
    assertThat((String) data.getData(MIMEType.TEXT_PLAIN)).contains("abs(");
  }

  @Test
  void completeCellsAreTold() {
    assertThat(kernel.isComplete("int k = 1;")).isEqualTo("complete");
    assertThat(kernel.isComplete("for (;;) {")).isBlank();
  }

  // ---- interrupts ----

  @ParameterizedTest
  @ValueSource(
      strings = {
        "while (true) { %s }",
        "for (;;) { try { while (true) { %s } } catch (Throwable t) { } }",
        "Runnable r = () -> { for (;;) { %s } };\nr.run();",
        "void again(int n) { %s if (n > 0) again(n - 1); }\nwhile (true) again(5);",
        "class Endless { int run() { int k = 0; do { k++; %s } while (k != -1); return k; } }\n"
            + "new Endless().run()",
        "while (true) { System.out.print(\"\"); %s }",
        "%s Thread.sleep(1_000_000);",
        "%s new java.util.concurrent.CountDownLatch(1).await();",
      })
  void anInterruptStopsTheCell(String loop) throws Exception {
    interruptWhenRunning(loop.replace("%s", ROUND), 1);
    int rounds = ROUNDS.get();
    TimeUnit.MILLISECONDS.sleep(50);
    assertThat(ROUNDS).as("the cell has stopped").hasValue(rounds);
    assertThat(text("1 + 1")).as("and the kernel goes on").isEqualTo("2");
  }

  @Test
  void aSecondInterruptStopsALibraryThatDoesNotAnswer() throws Exception {
    if (Runtime.version().feature() < 20) {
      interruptWhenRunning(NotebookKernelTest.class.getName() + ".deaf();", 2);
      assertThat(text("1 + 1")).isEqualTo("2");
    }
  }

  /** A library's method that nothing but force ends. */
  public static void deaf() {
    while (true) {
      ROUNDS.incrementAndGet();
    }
  }

  private static void interruptWhenRunning(String cell, int times) throws Exception {
    ROUNDS.set(0);
    CompletableFuture<Throwable> run =
        CompletableFuture.supplyAsync(() -> catchThrowable(() -> kernel.eval(cell)));
    while (ROUNDS.get() == 0 && !run.isDone()) {
      TimeUnit.MILLISECONDS.sleep(5);
    }
    for (int k = 0; k < times; k++) {
      kernel.interrupt();
    }
    assertThat(run.get(10, TimeUnit.SECONDS)).isInstanceOf(InterruptedCellException.class);
  }

  @Test
  void anInterruptOfNothingIsNothing() {
    kernel.interrupt();
    assertThat(text("int i9 = 0; while (i9 < 10) i9++;\ni9")).isEqualTo("10");
  }

  @Test
  void textThatIsNoKernelIsNotOverwritten(@TempDir Path folder) throws IOException {
    Path kernels = Files.createDirectories(folder.resolve("java"));
    Files.writeString(kernels.resolve("kernel.json"), "{\"display_name\": \"another\"}");
    assertThatThrownBy(() -> InstallKernel.install(kernels, List.of()))
        .hasMessageContaining("--name");
  }
}
