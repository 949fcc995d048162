package org.backpack4j.samediff.check;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.TrainingConfig;

/** The variables whose sum a graph minimises. */
final class Losses {
  private Losses() {}

  /**
   * The graph's loss variables, or its training configuration's.
   *
   * @throws IllegalArgumentException if there are none, or one is not floating point
   */
  static List<String> of(SameDiff graph) {
    Set<String> names = new LinkedHashSet<>(graph.getLossVariables());
    TrainingConfig config = graph.getTrainingConfig();
    if (names.isEmpty() && config != null && config.getLossVariables() != null) {
      names.addAll(config.getLossVariables());
    }
    if (names.isEmpty()) {
      throw new IllegalArgumentException(
          "The graph has no loss: mark one with setLossVariables(\"name\") or markAsLoss().");
    }
    for (String name : names) {
      SDVariable loss = graph.getVariable(name);
      if (loss == null || !loss.dataType().isFPType()) {
        throw new IllegalArgumentException(
            "The loss \""
                + name
                + "\" is "
                + (loss == null ? "not in the graph" : "of type " + loss.dataType())
                + ": a loss has to be a floating-point variable of the graph.");
      }
    }
    return List.copyOf(names);
  }
}
