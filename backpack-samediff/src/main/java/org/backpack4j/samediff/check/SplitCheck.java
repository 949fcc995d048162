package org.backpack4j.samediff.check;

import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;

/**
 * Makes sure that the loss is a function of the predictions, plus terms of parameters alone
 * (penalties). If parameters enter in another way, what a difference in the predictions says is not
 * the whole derivative.
 */
final class SplitCheck {
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
  private final Origins origins;

  private SplitCheck(Collection<String> predictions, Origins origins) {
    this.predictions = predictions;
    this.origins = origins;
  }

  /**
   * Checks the split.
   *
   * @throws IllegalArgumentException if a parameter enters the loss beside the predictions other
   *     than by an added term
   */
  static void check(
      SameDiff graph,
      Collection<String> losses,
      Collection<String> parameters,
      Collection<String> predictions) {
    Origins origins = Origins.of(graph, losses, parameters, predictions);
    if (losses.stream().noneMatch(origins::fromPredictions)) {
      throw new IllegalArgumentException(
          "The loss " + losses + " does not depend on the predictions " + predictions + ".");
    }
    new SplitCheck(predictions, origins).check(losses);
  }

  private void check(Collection<String> losses) {
    Deque<String> open = new ArrayDeque<>(losses);
    Set<String> seen = new HashSet<>(losses);
    while (!open.isEmpty()) {
      String name = open.remove();
      if (!isTerm(name)) {
        summands(name).stream().filter(seen::add).forEach(open::add);
      }
    }
  }

  /** Whether a variable is a function of predictions or of parameters alone, but not of both. */
  private boolean isTerm(String name) {
    return !origins.fromParameters(name)
        || (!origins.fromPredictions(name) && !origins.fromData(name));
  }

  private List<String> summands(String name) {
    SameDiffOp node = origins.producer(name);
    if (node != null) {
      List<String> inputs = Origins.inputs(node);
      String op = node.getOp().opName();
      if (LINEAR.contains(op)) {
        return inputs;
      }
      List<String> terms = inputs.stream().filter(input -> !isFactor(input)).toList();
      boolean scales = op.equals(PRODUCT) || (op.equals(QUOTIENT) && isFactor(inputs.get(1)));
      if (scales && terms.size() <= 1) {
        return terms;
      }
    }
    throw new IllegalArgumentException(
        "At the node \""
            + (node == null ? name : node.getName() + "\" (" + node.getOp().opName() + ")")
            + " a parameter enters the loss beside the predictions "
            + predictions
            + ": name the variables that the loss is a function of, as in .predictions(\"logits\","
            + " \"hidden\"), or leave the parameter out with .parameters(…).");
  }

  /** Whether a variable is a number that terms may be multiplied with: data or constants. */
  private boolean isFactor(String name) {
    return !origins.fromParameters(name) && !origins.fromPredictions(name);
  }
}
