package org.backpack4j.examples.notebook;

import java.io.InputStream;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import jdk.jshell.Diag;
import jdk.jshell.EvalException;
import jdk.jshell.ExpressionSnippet;
import jdk.jshell.JShell;
import jdk.jshell.JShellException;
import jdk.jshell.Snippet;
import jdk.jshell.Snippet.Status;
import jdk.jshell.SnippetEvent;
import jdk.jshell.SourceCodeAnalysis;
import jdk.jshell.SourceCodeAnalysis.Completeness;
import jdk.jshell.SourceCodeAnalysis.CompletionInfo;
import jdk.jshell.UnresolvedReferenceException;
import jdk.jshell.VarSnippet;
import org.backpack4j.examples.notebook.Cell.Place;
import org.jspecify.annotations.Nullable;

/** Runs cells: their snippets one after the other, up to the first that fails. */
final class CellRunner {

  private static final String[] OPTIONS = {"-Xlint:none", "-proc:none"};

  private final CellControl control = new CellControl(new CellClasses());
  private final JShell shell;
  private final SourceCodeAnalysis analysis;
  private final Map<String, Start> starts = new HashMap<>();

  /** Where a snippet starts. */
  private record Start(Cell cell, int offset) {}

  CellRunner(InputStream in, PrintStream out, PrintStream err) {
    shell =
        JShell.builder()
            .in(in)
            .out(out)
            .err(err)
            .compilerOptions(OPTIONS)
            .executionEngine(control, Map.of())
            .build();
    analysis = shell.sourceCodeAnalysis();
  }

  SourceCodeAnalysis analysis() {
    return analysis;
  }

  ClassLoader loader() {
    return control.classes().loader();
  }

  void addToClassPath(String entry) {
    shell.addToClasspath(entry);
  }

  void close() {
    shell.close();
  }

  /**
   * Runs a cell.
   *
   * @return the value of its last expression; null where it ends otherwise, or with a semicolon
   * @throws CompilationException if a snippet is not Java
   * @throws FailedCellException if a snippet throws something
   * @throws InterruptedCellException if the person interrupts
   */
  @Nullable Object run(Cell cell) {
    String code = cell.code();
    Object value = null;
    int at = 0;
    while (!code.substring(at).isBlank()) {
      CompletionInfo info = analysis.analyzeCompletion(code.substring(at));
      int end = code.length();
      if (info.completeness().isComplete() && info.remaining() != null) {
        end -= info.remaining().length();
      }
      at += leadingSpace(code.substring(at));
      String snippet = code.substring(at, end).stripTrailing();
      boolean semicolon = info.completeness() == Completeness.COMPLETE_WITH_SEMI;
      List<SnippetEvent> events = evaluate(new Start(cell, at), snippet + (semicolon ? ";" : ""));
      if (!events.isEmpty()) {
        value = isExpression(events) && !snippet.endsWith(";") ? control.value() : null;
      }
      at = end;
    }
    return value;
  }

  private static int leadingSpace(String code) {
    return code.length() - code.stripLeading().length();
  }

  private static boolean isExpression(List<SnippetEvent> events) {
    Snippet snippet = events.get(0).snippet();
    return snippet instanceof ExpressionSnippet
        || (snippet instanceof VarSnippet v
            && v.subKind() == Snippet.SubKind.TEMP_VAR_EXPRESSION_SUBKIND);
  }

  /** The events of a snippet itself, without those of others that it changes. */
  private List<SnippetEvent> evaluate(Start start, String code) {
    control.forget();
    List<SnippetEvent> events = new ArrayList<>();
    for (SnippetEvent event : shell.eval(code)) {
      if (event.causeSnippet() == null) {
        starts.put(event.snippet().id(), start);
        check(start, event);
        events.add(event);
      }
    }
    return events;
  }

  private void check(Start start, SnippetEvent event) {
    if (event.status() == Status.REJECTED) {
      throw notJava(start, event.snippet());
    }
    Throwable thrown = control.thrown();
    if (thrown instanceof Interruption.InterruptedCell
        || thrown instanceof ThreadDeath
        || (thrown instanceof InterruptedException && Interruption.requested())) {
      throw new InterruptedCellException();
    }
    JShellException failure = event.exception();
    if (failure != null) {
      throw new FailedCellException(thrown == null ? failure : thrown, trace(failure));
    }
  }

  // ---- what is not Java ----

  private CompilationException notJava(Start start, Snippet snippet) {
    List<String> lines = new ArrayList<>();
    shell
        .diagnostics(snippet)
        .filter(Diag::isError)
        .forEach(
            d -> {
              Place place = start.cell().place(start.offset() + (int) d.getPosition());
              if (!lines.isEmpty()) {
                lines.add("");
              }
              lines.add(place + ": " + d.getMessage(Locale.ROOT));
              lines.addAll(place.shown());
            });
    if (lines.isEmpty()) {
      lines.add(start.cell().place(start.offset()) + ": JShell takes no such code.");
    }
    return new CompilationException(String.join("\n", lines));
  }

  // ---- what went wrong while it ran ----

  private List<String> trace(JShellException failure) {
    List<String> lines = new ArrayList<>();
    String prefix = "";
    for (Throwable t = failure; t != null; t = t.getCause()) {
      lines.add(prefix + headline(t));
      addFrames(lines, t.getStackTrace());
      prefix = "Caused by: ";
    }
    return lines;
  }

  private String headline(Throwable failure) {
    if (failure instanceof EvalException e) {
      String message = e.getMessage();
      return e.getExceptionClassName() + (message == null ? "" : ": " + message);
    }
    if (failure instanceof UnresolvedReferenceException e) {
      return e.getSnippet().name()
          + " cannot run: it uses what has not been declared ("
          + String.join(", ", shell.unresolvedDependencies(e.getSnippet()).toList())
          + ").";
    }
    return failure.toString();
  }

  /** The frames, those of cells by their lines; the first of these with the line's text. */
  private void addFrames(List<String> lines, StackTraceElement[] frames) {
    boolean shown = false;
    for (StackTraceElement frame : frames) {
      Place place = place(frame);
      if (place == null) {
        lines.add("    at " + frame);
        continue;
      }
      String method = frame.getMethodName();
      lines.add("    at " + (method.isEmpty() ? "" : method + ", ") + place);
      if (!shown) {
        place.shown().forEach(l -> lines.add("    " + l));
        shown = true;
      }
    }
  }

  private @Nullable Place place(StackTraceElement frame) {
    String file = frame.getFileName();
    if (file == null || !file.startsWith("#")) {
      return null;
    }
    Start start = starts.get(file.substring(1));
    return start == null ? null : start.cell().place(start.offset(), frame.getLineNumber());
  }
}
