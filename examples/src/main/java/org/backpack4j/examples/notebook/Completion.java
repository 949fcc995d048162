package org.backpack4j.examples.notebook;

import java.util.List;
import java.util.Set;
import jdk.jshell.SourceCodeAnalysis;
import jdk.jshell.SourceCodeAnalysis.CompletionInfo;
import jdk.jshell.SourceCodeAnalysis.Documentation;
import org.dflib.jjava.jupyter.kernel.ReplacementOptions;
import org.jspecify.annotations.Nullable;

/**
 * What can stand at the cursor, and what is there. JShell looks at one snippet: the one with the
 * cursor, together with the statements before it, whose variables it may use.
 */
final class Completion {

  private final SourceCodeAnalysis analysis;

  Completion(SourceCodeAnalysis analysis) {
    this.analysis = analysis;
  }

  /** What can stand at the cursor; null if nothing can. */
  @Nullable ReplacementOptions complete(String code, int cursor, Set<String> magics) {
    int line = code.lastIndexOf('\n', cursor - 1) + 1;
    if (code.startsWith("%", line)) {
      String typed = code.substring(line + 1, cursor);
      List<String> fitting = magics.stream().filter(m -> m.startsWith(typed)).sorted().toList();
      return fitting.isEmpty() ? null : new ReplacementOptions(fitting, line + 1, cursor);
    }
    String text = code.substring(0, cursor);
    ReplacementOptions together = suggestions(text, afterImports(text));
    return together != null ? together : suggestions(text, lastSnippet(text));
  }

  private @Nullable ReplacementOptions suggestions(String text, int from) {
    int[] anchor = {-1};
    List<String> found =
        analysis.completionSuggestions(text.substring(from), text.length() - from, anchor).stream()
            .map(SourceCodeAnalysis.Suggestion::continuation)
            .distinct()
            .toList();
    return found.isEmpty() ? null : new ReplacementOptions(found, from + anchor[0], text.length());
  }

  /** The signature and the documentation of what is at the cursor; null if there is none. */
  @Nullable String documentation(String code, int cursor) {
    String text = code.substring(0, cursor);
    for (int from : new int[] {afterImports(text), lastSnippet(text)}) {
      String rest = code.substring(from);
      List<Documentation> found = analysis.documentation(rest, cursor - from, true);
      if (!found.isEmpty()) {
        Documentation first = found.get(0);
        String comment = first.javadoc();
        return first.signature() + (comment == null ? "" : "\n\n" + comment);
      }
    }
    return null;
  }

  private static int afterImports(String text) {
    int from = 0;
    int at = 0;
    for (String line : text.split("(?<=\n)", -1)) {
      at += line.length();
      if (line.startsWith("import ") || line.startsWith("%")) {
        from = at;
      }
    }
    return Math.min(from, text.length());
  }

  private int lastSnippet(String text) {
    int from = 0;
    while (true) {
      CompletionInfo info = analysis.analyzeCompletion(text.substring(from));
      String rest = info.remaining();
      if (!info.completeness().isComplete() || rest == null || rest.isBlank()) {
        return from;
      }
      from = text.length() - rest.length();
    }
  }
}
