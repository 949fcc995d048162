package org.backpack4j.samediff.internal.execution.plan;

import java.util.Set;
import org.backpack4j.samediff.internal.interpret.DynamicShapes;
import org.backpack4j.samediff.internal.rewrite.InferenceDropoutToIdentity;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.linalg.api.ops.CustomOp;
import org.nd4j.linalg.api.ops.Op;
import org.nd4j.linalg.api.ops.ScalarOp;
import org.nd4j.linalg.api.ops.TransformOp;
import org.nd4j.linalg.api.ops.impl.shape.CreateView;
import org.nd4j.linalg.api.ops.impl.transforms.Assert;
import org.nd4j.linalg.api.ops.impl.transforms.custom.Assign;
import org.nd4j.linalg.api.ops.impl.transforms.gradient.GradientBackwardsMarker;

/**
 * What is to be known of ND4J's ops, by name, before they can be planned.
 *
 * <p>An op that no table names is treated with care: it gets memory of its own, and if an integer
 * input could decide its shape it runs without a plan. Native code compares the shape that was
 * planned with the one that it finds at each run, so that an entry that is wrong here ends in an
 * error, not in wrong numbers.
 */
final class OpTraits {
  /**
   * Computes each element of the output from the element of an input at the same position, or, as a
   * softmax does, from a row that it has read before.
   */
  private static final Set<String> IN_PLACE =
      Set.of(
          "add",
          "divide",
          "floordiv",
          "floormod",
          "maximum",
          "minimum",
          "multiply",
          "realdiv",
          "relu",
          "relu6",
          "reversedivide",
          "reversesubtract",
          "softmax",
          "squaredsubtract",
          "subtract");

  /** The kinds of transforms that go element by element (of the others, "ismax" does not). */
  private static final Set<Op.Type> ELEMENTWISE =
      Set.of(
          Op.Type.TRANSFORM_BOOL,
          Op.Type.TRANSFORM_FLOAT,
          Op.Type.TRANSFORM_SAME,
          Op.Type.TRANSFORM_STRICT);

  /** Integer inputs behind the first one choose or supply elements; they never decide the shape. */
  private static final Set<String> SHAPE_FROM_SHAPES =
      Set.of(
          "add",
          "biasadd",
          "bitwise_and",
          "bitwise_or",
          "bitwise_xor",
          "boolean_and",
          "boolean_or",
          "boolean_xor",
          "concat",
          "divide",
          "embedding_lookup",
          "equals",
          "floordiv",
          "floormod",
          "gather",
          "gather_nd",
          "greater",
          "greater_equal",
          "in_top_k",
          "less",
          "less_equal",
          "matmul",
          "maximum",
          "mergeadd",
          "mergemax",
          "minimum",
          "mod",
          "multiply",
          "not_equals",
          "ones_as",
          "realdiv",
          "reverse_sequence",
          "reversedivide",
          "reversesubtract",
          "scatter_add",
          "scatter_div",
          "scatter_max",
          "scatter_min",
          "scatter_mul",
          "scatter_sub",
          "scatter_update",
          "select",
          "sparse_softmax_cross_entropy_loss_with_logits",
          "sparse_softmax_cross_entropy_loss_with_logits_grad",
          "squaredsubtract",
          "stack",
          "subtract",
          "tensordot",
          "zeros_as");

  /** Answers with the extents of its inputs. */
  private static final Set<String> READS_SHAPES_ONLY =
      Set.of("rank", "shape_of", "shapes_of", "size", "size_at");

  private OpTraits() {}

  /** Is more than a function of its inputs' numbers: left to the plain way of running it. */
  static boolean isSpecial(DifferentialFunction op) {
    return op instanceof Assign
        || op instanceof Assert
        || op instanceof CreateView
        || op instanceof GradientBackwardsMarker
        || InferenceDropoutToIdentity.keepsAll(op);
  }

  static boolean mayWorkInPlace(DifferentialFunction op) {
    if (op instanceof CustomOp) {
      return IN_PLACE.contains(op.opName());
    }
    return op instanceof ScalarOp
        || (op instanceof TransformOp && ELEMENTWISE.contains(op.opType()));
  }

  static boolean readsShapesOnly(DifferentialFunction op) {
    return READS_SHAPES_ONLY.contains(op.opName());
  }

  /** Whether the numbers in an input, an integer one that is not known beforehand, may matter. */
  static boolean shapeMayDependOn(DifferentialFunction op, int input) {
    if (DynamicShapes.has(op)) {
      return true;
    }
    return input > 0 && !SHAPE_FROM_SHAPES.contains(op.opName());
  }

  /** Whether even numbers that are not integers may decide the shape. */
  static boolean shapeMayDependOnNumbers(DifferentialFunction op) {
    return DynamicShapes.has(op);
  }
}
