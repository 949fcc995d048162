package org.backpack4j.examples.notebook;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.InvalidKeyException;
import java.security.NoSuchAlgorithmException;
import java.util.List;
import java.util.function.Consumer;
import jdk.jshell.SourceCodeAnalysis.Completeness;
import org.dflib.jjava.jupyter.kernel.BaseKernel;
import org.dflib.jjava.jupyter.kernel.BaseKernelBuilder;
import org.dflib.jjava.jupyter.kernel.BaseNotebookStatics;
import org.dflib.jjava.jupyter.kernel.JupyterIO;
import org.dflib.jjava.jupyter.kernel.KernelConnectionProperties;
import org.dflib.jjava.jupyter.kernel.LanguageInfo;
import org.dflib.jjava.jupyter.kernel.ReplacementOptions;
import org.dflib.jjava.jupyter.kernel.comm.CommManager;
import org.dflib.jjava.jupyter.kernel.display.DisplayData;
import org.dflib.jjava.jupyter.kernel.display.Renderer;
import org.dflib.jjava.jupyter.kernel.magic.LineMagic;
import org.dflib.jjava.jupyter.kernel.magic.MagicParser;
import org.dflib.jjava.jupyter.kernel.magic.MagicsRegistry;
import org.dflib.jjava.jupyter.kernel.util.StringStyler;
import org.jspecify.annotations.Nullable;

/**
 * A Java kernel for Jupyter: jjava-jupyter speaks the protocol, JShell compiles the cells, and they
 * run in this virtual machine. Magics: {@code %classpath lib/*.jar classes} adds to the class path,
 * and loads the extensions that are there; {@code %jars} is the same.
 */
public final class NotebookKernel extends BaseKernel {

  private static final List<String> START =
      List.of(
          "import java.io.*;",
          "import java.math.*;",
          "import java.nio.file.*;",
          "import java.util.*;",
          "import java.util.concurrent.*;",
          "import java.util.function.*;",
          "import java.util.stream.*;",
          "import static " + BaseNotebookStatics.class.getName() + ".*;");

  private final CellRunner runner;
  private final Completion completion;
  private final CellThread thread;

  private NotebookKernel(Builder builder, JupyterIO io, Consumer<Runnable> whenSafe) {
    super(
        "backpack-java",
        "1",
        new LanguageInfo.Builder("java")
            .version(Runtime.version().toString())
            .mimetype("text/x-java-source")
            .fileExtension(".jshell")
            .pygments("java")
            .codemirror("text/x-java")
            .build(),
        List.of(),
        null,
        io,
        builder.comms(),
        builder.renderer(),
        builder.parser(),
        builder.magics(),
        true,
        builder.styler());
    thread = new CellThread(whenSafe);
    runner = new CellRunner(io.in, io.out, io.err);
    completion = new Completion(runner.analysis());
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator, -1)) {
      if (!entry.isEmpty()) {
        runner.addToClassPath(entry);
      }
    }
    START.forEach(line -> runner.run(new Cell(0, line)));
  }

  /**
   * A kernel.
   *
   * @param whenSafe runs an interrupt when no message is being written
   */
  static NotebookKernel create(Consumer<Runnable> whenSafe) {
    Builder builder = new Builder(whenSafe);
    LineMagic<@Nullable Object, NotebookKernel> classPath = NotebookKernel::addToClassPath;
    builder.lineMagic("classpath", classPath);
    builder.lineMagic("jars", classPath);
    return builder.build();
  }

  private static @Nullable Object addToClassPath(NotebookKernel kernel, List<String> arguments) {
    ClassPath.entries(arguments).forEach(p -> kernel.runner.addToClassPath(p.toString()));
    kernel.installExtensions(kernel.getClassLoader());
    return null;
  }

  @Override
  protected ClassLoader getClassLoader() {
    return runner.loader();
  }

  @Override
  public @Nullable DisplayData eval(String code) {
    return thread.run(() -> super.eval(code), runner.loader());
  }

  @Override
  public @Nullable Object evalRaw(String code) {
    try {
      return runner.run(new Cell(executionCount.get() - 1, magicParser.resolveMagics(code)));
    } finally {
      System.out.flush();
      System.err.flush();
    }
  }

  @Override
  public void interrupt() {
    thread.interrupt();
  }

  @Override
  public void onShutdown(boolean isRestarting) {
    thread.interrupt();
    super.onShutdown(isRestarting);
    runner.close();
  }

  @Override
  public @Nullable ReplacementOptions complete(String code, int at) {
    return completion.complete(code, at, magicsRegistry.getLineMagicNames());
  }

  @Override
  public @Nullable DisplayData inspect(String code, int at, boolean extraDetail) {
    String text = completion.documentation(code, at);
    return text == null ? null : new DisplayData(text);
  }

  @Override
  public String isComplete(String code) {
    Completeness completeness = runner.analysis().analyzeCompletion(code).completeness();
    return switch (completeness) {
      case COMPLETE, COMPLETE_WITH_SEMI, EMPTY -> IS_COMPLETE_YES;
      case CONSIDERED_INCOMPLETE, DEFINITELY_INCOMPLETE -> "  ";
      case UNKNOWN -> IS_COMPLETE_BAD;
    };
  }

  @Override
  public List<String> formatError(Throwable failure) {
    if (failure instanceof FailedCellException e) {
      return e.trace().stream().map(errorStyler::secondary).toList();
    }
    if (failure instanceof CompilationException || failure instanceof InterruptedCellException) {
      return String.valueOf(failure.getMessage()).lines().map(errorStyler::secondary).toList();
    }
    return super.formatError(failure);
  }

  /** What jjava's builder has to give, where this class can see it. */
  private static final class Builder extends BaseKernelBuilder<Builder, NotebookKernel> {
    private final Consumer<Runnable> whenSafe;

    Builder(Consumer<Runnable> whenSafe) {
      this.whenSafe = whenSafe;
    }

    CommManager comms() {
      return buildCommManager();
    }

    Renderer renderer() {
      return buildRenderer();
    }

    MagicParser parser() {
      return new MagicParser("(?<=(?:^|=))\\s*%", "%%", buildMagicTranspiler());
    }

    MagicsRegistry magics() {
      return buildMagicsRegistry();
    }

    StringStyler styler() {
      return buildErrorStyler();
    }

    @Override
    public NotebookKernel build() {
      return new NotebookKernel(this, buildJupyterIO(buildJupyterIOEncoding()), whenSafe);
    }
  }

  /**
   * Serves one notebook. Jupyter calls this.
   *
   * @param args the path of the connection file
   * @throws IOException if it cannot be read
   * @throws NoSuchAlgorithmException if messages are signed in an unknown way
   * @throws InvalidKeyException if the key for that is none
   */
  public static void main(String[] args)
      throws IOException, NoSuchAlgorithmException, InvalidKeyException {
    if (args.length != 1) {
      System.err.println("Jupyter starts this kernel: run InstallKernel to make it known.");
      return;
    }
    SafeReplies connection =
        new SafeReplies(KernelConnectionProperties.parse(Files.readString(Path.of(args[0]))));
    NotebookKernel kernel = create(connection::betweenMessages);
    kernel.becomeHandlerForConnection(connection);
    kernel.onStartup();
    connection.connect();
    connection.waitUntilClose();
  }
}
