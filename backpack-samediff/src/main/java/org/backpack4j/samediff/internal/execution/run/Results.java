package org.backpack4j.samediff.internal.execution.run;

import java.lang.ref.Cleaner;
import org.backpack4j.samediff.internal.execution.kernel.Platform;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Makes the arrays that the callers of one planned graph get and keep: see {@link ResultPool}. */
public final class Results implements AutoCloseable {
  private static final Cleaner CLEANER = Cleaner.create();

  private final ResultPool.Owner owner = new ResultPool.Owner();
  private final Cleaner.Cleanable cleanable;

  public Results() {
    ResultPool.Owner forgotten = owner;
    cleanable = CLEANER.register(this, () -> ResultPool.SHARED.close(forgotten));
  }

  /**
   * Makes room for the results of one evaluation.
   *
   * @param bytes how much they take
   */
  public void expect(long bytes) {
    ResultPool.SHARED.expect(owner, bytes);
  }

  /** An array in 'c' order whose content is undefined. */
  INDArray create(DataType type, long... shape) {
    long length = 1;
    for (long extent : shape) {
      length *= extent;
    }
    if (length == 0 || type == DataType.UTF8 || !Platform.isNativeCpu()) {
      return Nd4j.createUninitialized(type, shape);
    }
    return ResultPool.SHARED.array(owner, length * type.width(), type, shape);
  }

  /** A copy in 'c' order. */
  INDArray copy(INDArray array) {
    if (array.dataType() == DataType.UTF8) {
      return array.dup();
    }
    INDArray copy = create(array.dataType(), array.shape());
    Copies.copy(array, copy);
    return copy;
  }

  /** Takes back what callers have closed. */
  void recycle() {
    ResultPool.SHARED.recycle();
  }

  /** Frees what nobody holds; what a caller holds is freed when the caller lets go of it. */
  @Override
  public void close() {
    cleanable.clean();
  }
}
