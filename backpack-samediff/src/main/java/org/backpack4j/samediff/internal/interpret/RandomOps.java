package org.backpack4j.samediff.internal.interpret;

import java.util.Collection;
import java.util.List;
import java.util.regex.Pattern;
import org.backpack4j.samediff.internal.rewrite.InferenceDropoutToIdentity;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.api.ops.RandomOp;
import org.nd4j.linalg.api.ops.random.impl.Range;
import org.nd4j.linalg.api.shape.LongShapeDescriptor;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Ops that draw random numbers when they run. No two evaluations of such a graph are alike, and
 * each moves ND4J's generator on, so that a training which draws from it goes another way. So
 * nothing here runs one: a graph is refused where its draws would be needed, and in a dry run that
 * only asks for shapes a constant stands for them.
 */
public final class RandomOps {
  /** What to do about an op that draws, a sentence without a full stop. */
  public static final String REMEDY =
      "draw the numbers outside and feed them by a placeholder; dropout becomes a product with a"
          + " mask that is fed, or none with a retain probability of 1, as for inference";

  private static final Pattern NAMES =
      Pattern.compile(
          "random.*|distribution_.*|dropout.*|alpha_dropout.*|choice|probablistic_merge");

  private RandomOps() {}

  /**
   * Whether an op draws random numbers. Dropout that keeps every entry would, but is an identity
   * wherever it is run here.
   *
   * @param op an op
   * @return true if it moves a generator
   */
  public static boolean draws(DifferentialFunction op) {
    return !(op instanceof Range) // it stands among the random ops, but counts
        && !InferenceDropoutToIdentity.keepsAll(op)
        && (op instanceof RandomOp
            || op.getClass().getPackageName().contains(".ops.random.")
            || NAMES.matcher(op.opName()).matches());
  }

  /**
   * The ops that draw on the way to given variables.
   *
   * @param graph the graph
   * @param targets any variables of the graph
   * @return the ops, in the order of execution
   */
  public static List<SameDiffOp> in(SameDiff graph, Collection<String> targets) {
    return ReferenceInterpreter.order(graph, targets).stream()
        .filter(node -> draws(node.getOp()))
        .toList();
  }

  /**
   * Throws if an op draws random numbers.
   *
   * @param node an op of a graph
   * @throws UnsupportedOperationException with the name of the op, and what to do
   */
  public static void refuse(SameDiffOp node) {
    if (draws(node.getOp())) {
      throw new UnsupportedOperationException(
          "The op \""
              + label(node)
              + "\" ("
              + node.getOp().opName()
              + ") draws random numbers, others at each evaluation, and would move ND4J's"
              + " generator: "
              + REMEDY
              + ".");
    }
  }

  /**
   * What a person knows an op by.
   *
   * @param node an op of a graph
   * @return its first output's name, or its own if it has none
   */
  public static String label(SameDiffOp node) {
    List<String> outputs = node.getOutputsOfOp();
    return outputs == null || outputs.isEmpty() ? node.getName() : outputs.get(0);
  }

  /** Arrays of the shapes of what an op would draw, one half everywhere. Nothing is drawn. */
  static List<INDArray> standIn(SameDiff graph, SameDiffOp node, List<INDArray> inputs) {
    if (node.getOp() instanceof DynamicCustomOp op) {
      return OpExecution.shapedLike(graph, node, op, inputs).stream()
          .map(a -> half(a.dataType(), a.shape()))
          .toList();
    }
    if (!inputs.isEmpty()) { // dropout: what it drops from
      return List.of(half(inputs.get(0).dataType(), inputs.get(0).shape()));
    }
    LongShapeDescriptor shape = LegacyOpExecution.outputShape(node.getOp(), inputs);
    return List.of(half(shape.dataType(), shape.getShape()));
  }

  private static INDArray half(DataType type, long... shape) {
    INDArray zeros = Nd4j.zeros(type, shape);
    return type.isFPType() ? zeros.addi(0.5) : zeros;
  }
}
