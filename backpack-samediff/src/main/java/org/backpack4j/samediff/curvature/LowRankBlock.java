package org.backpack4j.samediff.curvature;

import java.io.IOException;
import java.util.Arrays;
import java.util.random.RandomGenerator;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.ops.transforms.Transforms;

/** Uᵀ U of fewer rows than entries. */
final class LowRankBlock extends Block {
  static final String FORM = "low-rank";
  private final INDArray rows;

  LowRankBlock(ParameterLayout layout, INDArray rows) {
    super(layout);
    if (rows.rank() != 2) {
      throw new IllegalArgumentException(
          "The rows of the low-rank block of "
              + layout
              + " are [K, "
              + layout.size()
              + "]; given is "
              + Arrays.toString(rows.shape())
              + ".");
    }
    this.rows =
        Matrices.checked(
            "The rows of the low-rank block of " + layout, rows, rows.size(0), layout.size());
  }

  static LowRankBlock read(ParameterLayout layout, CurvatureFile.Reader reader) throws IOException {
    return new LowRankBlock(layout, reader.array("rows"));
  }

  @Override
  void write(CurvatureFile.Writer writer) throws IOException {
    writer.array("rows", rows);
  }

  @Override
  String form() {
    return FORM;
  }

  @Override
  INDArray times(INDArray vectors) {
    return Matrices.product(Matrices.product(vectors, false, rows, true), rows);
  }

  @Override
  double trace() {
    return rows.length() == 0 ? 0 : rows.mul(rows).sumNumber().doubleValue();
  }

  @Override
  INDArray diagonal() {
    return rows.length() == 0 ? Matrices.zeros(size()) : rows.mul(rows).sum(0);
  }

  @Override
  double[] eigenvalues() {
    boolean wide = rows.size(0) < size();
    double[] some = Eigen.values(title(), Matrices.product(rows, !wide, rows, wide));
    double[] all = new double[Math.toIntExact(size())];
    for (int k = 0; k < some.length; k++) {
      all[k] = Math.max(0, some[k]); // below zero by rounding
    }
    return all;
  }

  @Override
  Block scaled(double factor) {
    return new LowRankBlock(layout(), rows.mul(Math.sqrt(factor)));
  }

  @Override
  DampedBlock damped(BlockDamping damping) {
    if (rows.size(0) >= size()) {
      INDArray whole = Matrices.product(rows, true, rows, false);
      return new DenseBlock(layout(), whole).damped(damping);
    }
    if (damping.least() <= 0) {
      throw new ArithmeticException(
          "Of "
              + title()
              + ", "
              + rows.size(0)
              + " rows for "
              + size()
              + " entries, the damping is "
              + damping
              + ": it is singular, take a damping above 0 for each parameter.");
    }
    INDArray inverse = damping.entries().rdivi(1);
    INDArray scaled = rows.length() == 0 ? rows : rows.mulRowVector(inverse);
    INDArray small = Matrices.product(scaled, false, rows, true);
    for (long k = 0; k < small.size(0); k++) {
      small.putScalar(k, k, small.getDouble(k, k) + 1);
    }
    return new Damped(rows, inverse, scaled, Cholesky.of(title(), small));
  }

  /**
   * D + Uᵀ U by Woodbury's identity: D⁻¹ − D⁻¹ Uᵀ (1 + U D⁻¹ Uᵀ)⁻¹ U D⁻¹.
   *
   * @param rows U [K, d]
   * @param inverse D⁻¹ [d]
   * @param scaled U D⁻¹
   * @param root of 1 + U D⁻¹ Uᵀ
   */
  private record Damped(INDArray rows, INDArray inverse, INDArray scaled, Cholesky root)
      implements DampedBlock {
    @Override
    public INDArray times(INDArray vectors) {
      INDArray product = Matrices.product(Matrices.product(vectors, false, rows, true), rows);
      return product.length() == 0 ? product : product.addi(vectors.divRowVector(inverse));
    }

    @Override
    public INDArray solve(INDArray vectors) {
      INDArray along = root.solve(Matrices.product(vectors, false, scaled, true));
      INDArray off = Matrices.product(along, scaled);
      return off.length() == 0 ? off : vectors.mulRowVector(inverse).subi(off);
    }

    @Override
    public double logdet() {
      double sum = root.logdet();
      for (double each : Matrices.numbers(inverse)) {
        sum -= Math.log(each);
      }
      return sum;
    }

    /** P⁻¹ (D½ z + Uᵀ y): the covariance is P⁻¹ (D + Uᵀ U) P⁻¹. */
    @Override
    public INDArray sample(int n, RandomGenerator random) {
      INDArray z = Matrices.normal(random, n, inverse.length());
      INDArray y = Matrices.normal(random, n, rows.size(0));
      INDArray drawn = Matrices.product(y, rows);
      if (drawn.length() > 0) {
        drawn.addi(z.divRowVector(Transforms.sqrt(inverse, true)));
      }
      return solve(drawn);
    }

    @Override
    public INDArray inverseDiagonal() {
      if (rows.length() == 0) {
        return inverse.dup('c');
      }
      INDArray columns = scaled.transpose().dup('c');
      INDArray solved = root.solve(columns); // [d, K]
      return inverse.sub(solved.mul(columns).sum(1));
    }
  }
}
