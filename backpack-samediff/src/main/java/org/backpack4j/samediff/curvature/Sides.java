package org.backpack4j.samediff.curvature;

import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Matrices on both sides of a weight's matrix: X ↦ L X Rᵀ.
 *
 * @param axes how the weight is a matrix [O, I]
 * @param left L [O, O]; null for the identity
 * @param right R [I, I]; null for the identity
 */
record Sides(WeightAxes axes, @Nullable Factor left, @Nullable Factor right) {

  /** Lᵀ X R of vectors [V, P], as [O, V, I]. */
  INDArray into(INDArray vectors) {
    return multiplied(axes.apart(vectors), true);
  }

  /** L X Rᵀ of [O, V, I], as vectors [V, P]. */
  INDArray back(INDArray matrices) {
    return axes.together(multiplied(matrices, false));
  }

  private INDArray multiplied(INDArray x, boolean transposed) {
    if (x.length() == 0) {
      return x;
    }
    long o = x.size(0);
    long v = x.size(1);
    long i = x.size(2);
    INDArray all = x;
    if (left != null) {
      all = left.left(all.reshape('c', o, v * i), transposed);
    }
    if (right != null) {
      all = right.right(all.reshape('c', o * v, i), !transposed);
    }
    return all.reshape('c', o, v, i);
  }

  /** The diagonal of (L ⊗ R) diag(λ) (L ⊗ R)ᵀ for λ [O, I], as [P]. */
  INDArray diagonal(INDArray eigenvalues) {
    INDArray all = eigenvalues;
    if (all.length() > 0) {
      all = left == null ? all : left.squared().left(all, false);
      all = right == null ? all : right.squared().right(all, true);
    }
    long i = axes.inputs();
    return axes.together(all.reshape('c', axes.outputs(), 1, i)).reshape(axes.size());
  }
}
