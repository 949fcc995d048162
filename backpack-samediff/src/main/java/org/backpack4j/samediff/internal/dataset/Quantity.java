package org.backpack4j.samediff.internal.dataset;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.Refusal;
import org.backpack4j.samediff.UnsupportedGraphException;
import org.backpack4j.samediff.extension.Combination;
import org.backpack4j.samediff.extension.Extension;

/**
 * An output of an extended graph, and how it is gathered.
 *
 * @param name the output's name
 * @param parameter the parameter's name, or whose it is
 * @param field what the output's name ends with
 * @param combination how batches' results are combined
 * @param sampleAxis where it has the samples; −1 if it has none
 */
record Quantity(
    String name, String parameter, String field, Combination combination, int sampleAxis) {
  static final String GRADIENT = "grad";
  static final String PENALTY = "grad_penalty";
  private static final String TANGENT = "jvp";

  boolean is(Combination.Kind kind) {
    return combination.kind() == kind;
  }

  boolean isPenalty() {
    return field.equals(PENALTY);
  }

  /**
   * Outputs of a graph, by name.
   *
   * @param wanted says of a name whether it is gathered
   * @param sink whether there is somebody who takes rows
   * @throws UnsupportedGraphException if batches' results of one cannot be combined
   */
  static Map<String, Quantity> of(ExtendedGraph graph, boolean sink, Predicate<String> wanted) {
    Map<String, Quantity> quantities = new LinkedHashMap<>();
    Set<Refusal> refusals = new java.util.LinkedHashSet<>();
    for (String parameter : graph.owners()) {
      graph
          .outputsOf(parameter)
          .forEach(
              (field, name) -> {
                if (!wanted.test(name)) {
                  return;
                }
                int axis = sampleAxis(graph.shape(name));
                boolean ofSamples = axis >= 0 && field.equals(GRADIENT);
                Combination combination =
                    ofSamples ? Combination.rows(1) : combination(graph.extensions(), field);
                if (combination.kind() == Combination.Kind.NONE) {
                  refusals.add(
                      new Refusal(
                          field,
                          "the data set",
                          combination.reason(),
                          "extend the graph without it, or ask for it of one batch"));
                } else if (combination.kind() == Combination.Kind.ROWS
                    && !sink
                    && !field.equals(TANGENT)) {
                  refusals.add(
                      new Refusal(
                          field,
                          "the data set",
                          "it has a part for each sample, which nobody takes",
                          "say where rows go by rows(…), such as rows(NpyFiles.in(directory)), or"
                              + " extend the graph without it"));
                }
                if (sink || combination.kind() != Combination.Kind.ROWS) {
                  quantities.put(name, new Quantity(name, parameter, field, combination, axis));
                }
              });
    }
    if (!refusals.isEmpty()) {
      throw new UnsupportedGraphException(new ArrayList<>(refusals));
    }
    return quantities;
  }

  private static int sampleAxis(long[] shape) {
    for (int k = 0; k < shape.length; k++) {
      if (shape[k] < 0) {
        return k;
      }
    }
    return -1;
  }

  /** How results of a field are combined. */
  static Combination combination(List<Extension> extensions, String field) {
    for (Extension extension : extensions) {
      if (field.equals(extension.field())) {
        return extension.combination("");
      }
      if (field.startsWith(extension.field() + ".")) {
        return extension.combination(field.substring(extension.field().length() + 1));
      }
    }
    return switch (field) {
      case GRADIENT, PENALTY -> Combination.sum(1);
      case TANGENT -> Combination.rows(0);
      default -> Combination.none("nothing is known of it");
    };
  }
}
