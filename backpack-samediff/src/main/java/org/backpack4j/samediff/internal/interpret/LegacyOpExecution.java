package org.backpack4j.samediff.internal.interpret;

import java.util.List;
import org.backpack4j.samediff.internal.nd4j.Contiguous;
import org.backpack4j.samediff.internal.nd4j.OpFields;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.BaseOp;
import org.nd4j.linalg.api.ops.BaseReduceOp;
import org.nd4j.linalg.api.ops.Op;
import org.nd4j.linalg.api.ops.OpContext;
import org.nd4j.linalg.api.ops.ReduceOp;
import org.nd4j.linalg.api.ops.ScalarOp;
import org.nd4j.linalg.api.ops.impl.summarystats.Variance;
import org.nd4j.linalg.api.shape.LongShapeDescriptor;
import org.nd4j.linalg.api.shape.Shape;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Runs an op of ND4J's older kind (transforms, reductions, scalar ops), which holds its arrays,
 * dimensions and scalar in the op object itself: a duplicate is made for each run.
 */
final class LegacyOpExecution {
  private LegacyOpExecution() {}

  static INDArray run(DifferentialFunction shared, List<INDArray> inputs) {
    Prepared prepared = prepared(shared, inputs);
    return prepared == null ? inputs.get(0).dup('c') : Contiguous.of(prepared.exec());
  }

  /** A duplicate that has its arrays, and where its result will be. */
  record Prepared(BaseOp op, INDArray output) {
    INDArray exec() {
      Nd4j.exec((Op) op);
      return output;
    }
  }

  /** Sets a duplicate up; null where the result is the input. */
  static @Nullable Prepared prepared(DifferentialFunction shared, List<INDArray> inputs) {
    BaseOp op = (BaseOp) OpFields.copy(shared);
    if (!inputs.isEmpty()) {
      op.setX(inputs.get(0));
    }
    boolean secondIsAxis =
        inputs.size() == 2 && op instanceof ReduceOp && op.opType() != Op.Type.REDUCE3;
    if (secondIsAxis) {
      setAxes((BaseReduceOp) op, inputs.get(1));
    } else if (inputs.size() == 2 && op instanceof ScalarOp scalarOp) {
      scalarOp.setScalar(inputs.get(1));
    } else if (inputs.size() == 2) {
      op.setY(inputs.get(1));
    }
    boolean emptyReduce = op instanceof BaseReduceOp reduce && reduce.isEmptyReduce();
    if (emptyReduce) {
      return null;
    }
    INDArray output = Nd4j.create(outputShape(op, inputs), false);
    op.setZ(output);
    if (op instanceof BaseReduceOp reduce) {
      avoidNoOp(reduce);
    }
    return new Prepared(op, output);
  }

  /** The shape of an op's result; the op is not run. */
  static LongShapeDescriptor outputShape(DifferentialFunction shared, List<INDArray> inputs) {
    return outputShape((BaseOp) OpFields.copy(shared), inputs);
  }

  /** Some shape functions look for the input in the op, some in a context: it is in both. */
  private static LongShapeDescriptor outputShape(BaseOp op, List<INDArray> inputs) {
    if (op instanceof Variance variance) {
      // M2.1 asks the graph's variable first, whose shape may be out of date
      long[] shape =
          Shape.getReducedShape(
              op.x().shape(), variance.dimensions().toIntVector(), variance.isKeepDims());
      return LongShapeDescriptor.fromShape(shape, variance.resultType());
    }
    OpContext context = Nd4j.getExecutioner().buildContext();
    for (int i = 0; i < inputs.size(); i++) {
      context.setInputArray(i, inputs.get(i));
    }
    LongShapeDescriptor shape = op.calculateOutputShape(context).get(0);
    context.purge();
    return shape;
  }

  private static void setAxes(BaseReduceOp op, INDArray axes) {
    op.setEmptyReduce(axes.isEmpty());
    if (!axes.isEmpty()) {
      op.setDimensions(Shape.normalizeAxis(op.x().rank(), axes.toIntVector()));
    }
  }

  /**
   * M2.1 answers a reduction of a vector over axes of extent one by {@code noOp()}, which is wrong
   * for some ops (a squared norm is not the number itself) and writes no result for others. One
   * more axis in front, and the array is no vector.
   */
  private static void avoidNoOp(BaseReduceOp op) {
    INDArray x = op.x();
    INDArray z = op.z();
    if (op.y() != null || !x.isVector() || z.length() != x.length() || z.length() == 1) {
      return;
    }
    int[] axes = Shape.normalizeAxis(x.rank(), op.dimensions().toIntVector());
    for (int i = 0; i < axes.length; i++) {
      axes[i]++;
    }
    op.setX(x.reshape('c', prepend(x.shape())));
    op.setZ(z.reshape('c', prepend(z.shape())));
    op.setDimensions(axes);
  }

  private static long[] prepend(long[] shape) {
    long[] longer = new long[shape.length + 1];
    longer[0] = 1;
    System.arraycopy(shape, 0, longer, 1, shape.length);
    return longer;
  }
}
