package org.backpack4j.samediff.check;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;

/**
 * The terms that a loss is the sum of, beside what is a function of the predictions: penalties,
 * which are functions of parameters alone, and terms of parameters and data.
 */
final class LossTerms {
  /** Ops that a sum of terms may pass: each term stays one. */
  private static final Set<String> LINEAR =
      Set.of(
          "add",
          "add_scalar",
          "cast",
          "concat",
          "div_scalar",
          "expand_dims",
          "identity",
          "mergeadd",
          "mul_scalar",
          "neg",
          "reduce_mean",
          "reduce_sum",
          "reshape",
          "reversesubtract",
          "rsub_scalar",
          "squeeze",
          "stack",
          "sub_scalar",
          "subtract");

  private static final String PRODUCT = "multiply";
  private static final String QUOTIENT = "divide";

  private final Collection<String> predictions;
  private final Dependencies origins;

  private LossTerms(Collection<String> predictions, Dependencies origins) {
    this.predictions = predictions;
    this.origins = origins;
  }

  /**
   * The terms of parameters and data that do not pass the predictions. The loss is linear in them.
   *
   * @param predictions where to cut the graph; may be empty
   * @return the variables' names; none if the loss is a function of the predictions, plus penalties
   * @throws IllegalArgumentException if a parameter changes how the loss depends on the predictions
   */
  static List<String> beside(
      SameDiff graph,
      Collection<String> losses,
      Collection<String> parameters,
      Collection<String> predictions) {
    Dependencies origins = Dependencies.of(graph, losses, parameters, predictions);
    return new LossTerms(predictions, origins).find(losses);
  }

  private List<String> find(Collection<String> losses) {
    List<String> found = new ArrayList<>();
    Deque<String> open = new ArrayDeque<>(losses);
    Set<String> seen = new HashSet<>(losses);
    while (!open.isEmpty()) {
      String name = open.remove();
      if (isAlone(name)) {
        continue;
      }
      @Nullable List<String> summands = summands(name);
      if (summands != null) {
        summands.stream().filter(seen::add).forEach(open::add);
      } else if (!origins.fromPredictions(name)) {
        found.add(name);
      } else {
        throw mixed(name);
      }
    }
    return found;
  }

  /** Whether a variable is a function of predictions or of parameters alone, but not of both. */
  private boolean isAlone(String name) {
    return !origins.fromParameters(name)
        || (!origins.fromPredictions(name) && !origins.fromData(name));
  }

  /** What a variable is a linear combination of; null if it is none. */
  private @Nullable List<String> summands(String name) {
    SameDiffOp node = origins.producer(name);
    if (node == null) {
      return null;
    }
    List<String> inputs = Dependencies.inputs(node);
    String op = node.getOp().opName();
    if (LINEAR.contains(op)) {
      return inputs;
    }
    List<String> terms = inputs.stream().filter(input -> !isFactor(input)).toList();
    boolean scales = op.equals(PRODUCT) || (op.equals(QUOTIENT) && isFactor(inputs.get(1)));
    return scales && terms.size() <= 1 ? terms : null;
  }

  private IllegalArgumentException mixed(String name) {
    SameDiffOp node = Objects.requireNonNull(origins.producer(name));
    return new IllegalArgumentException(
        "At the node \""
            + node.getName()
            + "\" ("
            + node.getOp().opName()
            + ") a parameter changes how the loss depends on the predictions "
            + predictions
            + ": name the variables that the loss is a function of, as in .predictions(\"logits\","
            + " \"hidden\"), or leave the parameter out with .parameters(…).");
  }

  /** Whether a variable is a number that terms may be multiplied with: data or constants. */
  private boolean isFactor(String name) {
    return !origins.fromParameters(name) && !origins.fromPredictions(name);
  }
}
