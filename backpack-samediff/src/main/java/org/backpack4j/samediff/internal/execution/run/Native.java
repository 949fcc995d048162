package org.backpack4j.samediff.internal.execution.run;

import org.bytedeco.javacpp.Pointer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.memory.pointers.PagedPointer;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;

/** Native ops as building blocks of kernels. */
public final class Native {
  private Native() {}

  /**
   * C = A B + beta C of matrices, A and B transposed where asked for.
   *
   * @param beta 0 or 1
   */
  public static Call matmul(boolean transposeA, boolean transposeB, double beta) {
    return new CustomCall(
        DynamicCustomOp.builder("matmul")
            .addIntegerArguments(transposeA ? 1 : 0, transposeB ? 1 : 0, 0)
            .addFloatingPointArguments(1.0, beta)
            .build());
  }

  /** The elementwise op of that name. */
  public static Call elementwise(String name) {
    return new CustomCall(DynamicCustomOp.builder(name).build());
  }

  /** A matrix, transposed. */
  public static Call transpose() {
    return new CustomCall(DynamicCustomOp.builder("permute").addIntegerArguments(1, 0).build());
  }

  /** A call bound to two inputs. */
  public static Call bound(Call call, INDArray a, INDArray b, INDArray output) {
    call.bind(new INDArray[] {a, b}, new INDArray[] {output});
    return call;
  }

  public static long address(INDArray array) {
    return array.data().addressPointer().address();
  }

  /** A place in memory, to copy from or to. */
  public static Pointer pointer(long address) {
    return new PagedPointer(address);
  }

  /** Consecutive elements of a contiguous array, seen in another shape. */
  public static INDArray part(long address, long firstElement, DataType type, long... shape) {
    return Memory.arrayAt(address + firstElement * type.width(), type, shape);
  }
}
