package org.backpack4j.samediff.curvature;

import java.util.Arrays;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A matrix on one side of a weight's matrix [O, I]: any square matrix, or a diagonal one. */
final class Factor {
  private final INDArray entries;

  private Factor(INDArray entries) {
    this.entries = entries;
  }

  /** A symmetric factor; of rank 1 it is a diagonal. */
  static Factor symmetric(String what, INDArray entries, long size) {
    return new Factor(
        entries.rank() == 1
            ? Matrices.checked(what, entries, size)
            : Matrices.symmetric(what, entries, size));
  }

  /** The identity. */
  static Factor identity(long size) {
    return new Factor(Matrices.zeros(size).addi(1));
  }

  /** Eigenvectors as columns; of rank 1, ones, they are unit vectors. */
  static Factor orthogonal(String what, INDArray columns, long size) {
    if (columns.rank() == 1) { // the identity
      INDArray ones = Matrices.checked(what, columns, size);
      if (!ones.equals(identity(size).entries)) {
        throw new IllegalArgumentException(what + " are a diagonal of other numbers than ones.");
      }
      return new Factor(ones);
    }
    INDArray checked = Matrices.checked(what, columns, size, size);
    INDArray unit = Matrices.product(checked, true, checked, false);
    for (long k = 0; k < size; k++) {
      unit.putScalar(k, k, unit.getDouble(k, k) - 1);
    }
    double off = size == 0 ? 0 : unit.amaxNumber().doubleValue();
    if (off > 1e-4) {
      throw new IllegalArgumentException(
          what + " has columns that are not orthonormal: they are off by " + off + ".");
    }
    return new Factor(checked);
  }

  boolean isDiagonal() {
    return entries.rank() == 1;
  }

  /** The columns, if they are no unit vectors. */
  Optional<INDArray> columns() {
    return isDiagonal() ? Optional.empty() : Optional.of(entries.dup('c'));
  }

  INDArray entries() {
    return entries;
  }

  long size() {
    return entries.size(0);
  }

  INDArray diagonal() {
    if (isDiagonal()) {
      return entries;
    }
    double[] numbers = new double[Math.toIntExact(size())];
    Arrays.setAll(numbers, k -> entries.getDouble(k, k));
    return Matrices.array(numbers, size());
  }

  double trace() {
    return size() == 0 ? 0 : diagonal().sumNumber().doubleValue();
  }

  Factor scaled(double factor) {
    return new Factor(entries.mul(factor));
  }

  /** With each entry squared. */
  Factor squared() {
    return new Factor(entries.mul(entries));
  }

  /** The matrix, transposed if asked for, times rows [size, M]. */
  INDArray left(INDArray rows, boolean transposed) {
    return isDiagonal()
        ? rows.mulColumnVector(entries.reshape(size(), 1))
        : Matrices.product(entries, transposed, rows, false);
  }

  /** Rows [M, size] times the matrix, transposed if asked for. */
  INDArray right(INDArray rows, boolean transposed) {
    return isDiagonal()
        ? rows.mulRowVector(entries)
        : Matrices.product(rows, false, entries, transposed);
  }

  /** Eigenvalues, at least 0, and eigenvectors: null for those of a diagonal, unit vectors. */
  record Spectrum(double[] values, @Nullable Factor vectors) {}

  /**
   * The eigenvalues and eigenvectors.
   *
   * @throws ArithmeticException if an eigenvalue is negative, by more than rounding
   */
  Spectrum spectrum(String what) {
    double[] values;
    Factor vectors = null;
    if (isDiagonal()) {
      values = Matrices.numbers(entries);
    } else {
      Eigen eigen = Eigen.of(what, entries);
      values = eigen.values();
      vectors = new Factor(eigen.vectors());
    }
    double largest = Arrays.stream(values).map(Math::abs).max().orElse(0);
    for (int k = 0; k < values.length; k++) {
      if (values[k] < -1e-5 * largest) {
        throw new ArithmeticException(
            what + " has the eigenvalue " + values[k] + "; a factor has none below 0.");
      }
      values[k] = Math.max(0, values[k]);
    }
    return new Spectrum(values, vectors);
  }
}
