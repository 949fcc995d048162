package org.backpack4j.samediff.curvature;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.random.RandomGenerator;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A curvature matrix P with damping, positive definite: of {@link Curvature#damped(double)}. It
 * keeps the factors that it has worked out, so that many equations cost one factorisation.
 */
public final class DampedCurvature implements LinearOperator {
  private final ParameterLayout layout;
  private final List<Block> blocks;
  private final List<DampedBlock> damped;

  DampedCurvature(ParameterLayout layout, List<Block> blocks, List<DampedBlock> damped) {
    this.layout = layout;
    this.blocks = blocks;
    this.damped = damped;
  }

  @Override
  public ParameterLayout layout() {
    return layout;
  }

  @Override
  public INDArray times(INDArray vectors) {
    return Curvature.eachPart(layout, blocks, vectors, (k, part) -> damped.get(k).times(part));
  }

  /**
   * Solves P x = v.
   *
   * @param vectors right-hand sides v as rows [V, D]
   * @return a new array [V, D]: the solutions as rows
   * @throws IllegalArgumentException if the vectors have another shape, or an entry that is no
   *     finite number
   * @throws ArithmeticException if conjugate gradients did not solve a block that is known by its
   *     products alone
   */
  public INDArray solve(INDArray vectors) {
    return Curvature.eachPart(layout, blocks, vectors, (k, part) -> damped.get(k).solve(part));
  }

  /**
   * The natural logarithm of the determinant of P.
   *
   * @return ln det P
   * @throws UnsupportedOperationException if a block is known by its products alone
   */
  public double logdet() {
    return damped.stream().mapToDouble(DampedBlock::logdet).sum();
  }

  /**
   * Draws vectors of the normal distribution N(0, P⁻¹): parameters of a Laplace approximation,
   * their mean aside.
   *
   * @param draws how many, at least one
   * @param random where random numbers come from, such as {@code new SplittableRandom(seed)}
   * @return a new array [draws, D]
   * @throws IllegalArgumentException if there is not at least one
   * @throws UnsupportedOperationException if a block is known by its products alone
   */
  public INDArray sample(int draws, RandomGenerator random) {
    if (draws < 1) {
      throw new IllegalArgumentException("At least one draw is needed, not " + draws + ".");
    }
    INDArray none = Matrices.zeros(draws, layout.size());
    return Curvature.eachPart(
        layout, blocks, none, (k, part) -> damped.get(k).sample(draws, random));
  }

  /**
   * The diagonal of P⁻¹: the variances of the distribution that {@link #sample} draws from.
   *
   * @return a new array [D]
   * @throws UnsupportedOperationException if a block is known by its products alone
   */
  public INDArray inverseDiagonal() {
    return Curvature.joined(
        layout, blocks, damped.stream().map(DampedBlock::inverseDiagonal).toList());
  }

  /**
   * The covariances of a linear layer's outputs x W, where W has the covariance P⁻¹: the way to the
   * predictive variances of a network's last layer. Of a diagonal V [I, O] the variances are (x²)
   * V, of Kronecker factors with damped eigenvalues λ[o, i] they are Q_B diag(Σᵢ (x Q_A)ᵢ² / λ[o,
   * i]) Q_Bᵀ.
   *
   * @param weight the name of a weight [I, O] with a block of its own
   * @param rows what it is multiplied with from the left, x [N, I]
   * @return the covariances; nothing if the block's form has no shorter way than {@link #solve}
   * @throws IllegalArgumentException if the name is unknown, the weight is no matrix, or the rows
   *     have another number of columns
   */
  public Optional<OutputCovariances> ofOutputs(String weight, INDArray rows) {
    long[] shape = layout.shape(weight);
    if (shape.length != 2 || rows.rank() != 2 || rows.size(1) != shape[0]) {
      throw new IllegalArgumentException(
          "\""
              + weight
              + "\" has the shape "
              + Arrays.toString(shape)
              + ", and what it is multiplied with "
              + Arrays.toString(rows.shape())
              + "; they must be [I, O] and [N, I].");
    }
    for (int k = 0; k < blocks.size(); k++) {
      if (blocks.get(k).layout().names().equals(List.of(weight))) {
        return damped.get(k).ofOutputs(rows.castTo(DataType.DOUBLE));
      }
    }
    return Optional.empty();
  }
}
