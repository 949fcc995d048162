package org.backpack4j.samediff.curvature;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.QuantityResults;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.internal.evaluate.Vectors;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A curvature matrix, block-diagonal, with a form for each block: a diagonal, Kronecker factors,
 * Kronecker factors with corrected eigenvalues, a whole matrix, one of low rank, or one that is
 * known by its products alone. All of them answer the same questions, for all parameters together
 * or, of {@link #block} and {@link #blocks()}, for one block.
 *
 * <p>The matrix is taken as it is for products, trace, diagonal and eigenvalues. What needs an
 * inverse is asked of the matrix with <em>damping</em>, a number of at least 0 that is added to its
 * diagonal: {@link #damped(double)}, whose answer keeps what it has worked out. With the loss a sum
 * over samples, the damping is the precision of a Gaussian prior of a Laplace approximation.
 *
 * <p>It has nothing to do with the network any more: it holds copies of what it was made of. Any
 * number of threads may ask at once.
 */
public final class Curvature implements LinearOperator {
  private final ParameterLayout layout;
  private final List<Block> blocks;

  private Curvature(ParameterLayout layout, List<Block> blocks) {
    this.layout = layout;
    this.blocks = List.copyOf(blocks);
  }

  /**
   * The matrix that an extension's quantities are of:
   *
   * <ul>
   *   <li>{@code DiagGGNExact}, {@code DiagGGNMC}, {@code DiagHessian}, {@code DiagHessianMC},
   *       {@code SumGradSquared}: diagonals;
   *   <li>{@code KFAC}, {@code KFLR}, {@code KFRA}, {@code KFACExpand}, {@code KFACReduce}:
   *       Kronecker factors of weights, whole blocks or diagonals of other parameters;
   *   <li>{@code SqrtGGNExact}, {@code SqrtGGNMC}, {@code BatchGrad}: one block of low rank for all
   *       parameters together.
   * </ul>
   *
   * @param graph the extended graph, which tells the parameters and which of a weight's axes are
   *     those of its outputs
   * @param results the quantities, of one batch or of a data set
   * @param extension the extension that they are of
   * @return the matrix, of all parameters that the graph has a gradient of
   * @throws IllegalArgumentException if a parameter has no quantity of the extension, or it is none
   *     of a curvature matrix
   */
  public static Curvature of(ExtendedGraph graph, QuantityResults results, Extension extension) {
    return QuantityBlocks.of(ParameterLayout.of(graph), graph::outputAxes, results, extension);
  }

  /**
   * The matrix that an extension's quantities are of, as a listener has them: of all parameters
   * that there is a gradient of, in the order of the results.
   *
   * @param results the quantities of a batch, of {@link ExtendedGraph#evaluate} or of a listener's
   *     step
   * @param extension the extension that they are of, as in {@link #of(ExtendedGraph,
   *     QuantityResults, Extension)}
   * @return the matrix
   * @throws IllegalArgumentException if a parameter has no quantity of the extension, or it is none
   *     of a curvature matrix
   */
  public static Curvature of(QuantityResults results, Extension extension) {
    return QuantityBlocks.of(ParameterLayout.of(results), results::outputAxes, results, extension);
  }

  /**
   * Begins a matrix whose blocks are given one by one.
   *
   * @param layout all parameters
   * @return a builder
   */
  public static Builder builder(ParameterLayout layout) {
    return new Builder(layout);
  }

  /** Collects the blocks of a matrix, each parameter in one of them. Arrays are copied. */
  public static final class Builder {
    private final ParameterLayout layout;
    private final List<Block> blocks = new ArrayList<>();
    private final Set<String> taken = new LinkedHashSet<>();

    private Builder(ParameterLayout layout) {
      this.layout = layout;
    }

    /**
     * A parameter's diagonal.
     *
     * @param parameter the parameter's name
     * @param diagonal the diagonal, of the parameter's shape
     * @return this
     * @throws IllegalArgumentException if the name is unknown or has a block already, or the array
     *     has another shape or an entry that is no finite number
     */
    public Builder diagonal(String parameter, INDArray diagonal) {
      ParameterLayout one = layout.only(List.of(parameter));
      INDArray flat = one.join(Map.of(parameter, diagonal));
      return add(new DiagonalBlock(one, flat));
    }

    /**
     * A weight's Kronecker factors: the block is B ⊗ A of the weight seen as a matrix [O, I].
     *
     * @param parameter the weight's name
     * @param outputs B [O, O], or its diagonal [O]
     * @param inputs A [I, I], or its diagonal [I]
     * @param outputAxes which of the weight's axes belong to B; A has all others, each in the
     *     weight's own order: 1 for a weight [in, out]
     * @return this
     * @throws IllegalArgumentException if the name is unknown or has a block already, an axis does
     *     not exist, or a factor has another shape, is not symmetric or has an entry that is no
     *     finite number
     */
    public Builder kronecker(
        String parameter, INDArray outputs, INDArray inputs, int... outputAxes) {
      ParameterLayout one = layout.only(List.of(parameter));
      return add(KroneckerBlock.of(one, outputs, inputs, outputAxes));
    }

    /**
     * A weight's Kronecker factors with eigenvalues of their own (George, Laurent, Bouthillier,
     * Ballas and Vincent, 2018, "Fast approximate natural gradient descent in a Kronecker-factored
     * eigenbasis"): (Q_B ⊗ Q_A) diag(λ) (Q_B ⊗ Q_A)ᵀ.
     *
     * @param parameter the weight's name
     * @param outputs Q_B [O, O], the eigenvectors of B as columns
     * @param inputs Q_A [I, I], the eigenvectors of A as columns
     * @param eigenvalues λ [O, I]
     * @param outputAxes which of the weight's axes belong to B, as for {@link #kronecker}
     * @return this
     * @throws IllegalArgumentException if the name is unknown or has a block already, an axis does
     *     not exist, or an array has another shape, columns that are not orthonormal or an entry
     *     that is no finite number
     */
    public Builder corrected(
        String parameter,
        INDArray outputs,
        INDArray inputs,
        INDArray eigenvalues,
        int... outputAxes) {
      ParameterLayout one = layout.only(List.of(parameter));
      return add(CorrectedBlock.of(one, outputs, inputs, eigenvalues, outputAxes));
    }

    /**
     * A whole block of some parameters together.
     *
     * @param parameters their names
     * @param block the block [d, d], its rows in the order of the layout
     * @return this
     * @throws IllegalArgumentException if a name is unknown or has a block already, or the block
     *     has another shape, is not symmetric or has an entry that is no finite number
     */
    public Builder dense(Collection<String> parameters, INDArray block) {
      return add(new DenseBlock(layout.only(parameters), block));
    }

    /**
     * A block Uᵀ U of some parameters together.
     *
     * @param parameters their names
     * @param rows U [K, d], its columns in the order of the layout; {@link
     *     ParameterLayout#joinRows} makes it
     * @return this
     * @throws IllegalArgumentException if a name is unknown or has a block already, or the rows
     *     have another shape or an entry that is no finite number
     */
    public Builder lowRank(Collection<String> parameters, INDArray rows) {
      return add(new LowRankBlock(layout.only(parameters), rows));
    }

    /**
     * A block that is known by its products alone. It has products and solutions; what else is
     * asked of it is refused, and estimated by {@link TraceEstimator}, {@link DiagonalEstimator}
     * and {@link Lanczos}.
     *
     * @param operator the block, of some of the parameters
     * @param solver how equations are solved; damping is added to it
     * @return this
     * @throws IllegalArgumentException if one of its parameters is unknown, has another shape or
     *     has a block already, or they stand in another order
     */
    public Builder matrixFree(LinearOperator operator, ConjugateGradients solver) {
      return add(new MatrixFreeBlock(operator, 1, solver));
    }

    /**
     * The blocks of another matrix, so that each layer may have its form.
     *
     * @param other a matrix of some of the parameters, such as {@link Curvature#block}
     * @return this
     * @throws IllegalArgumentException if one of its parameters is unknown, has another shape or
     *     has a block already, or they stand in another order
     */
    public Builder blocks(Curvature other) {
      other.blocks.forEach(this::add);
      return this;
    }

    private Builder add(Block block) {
      ParameterLayout here = layout.only(block.layout().names());
      if (!here.equals(block.layout())) {
        throw new IllegalArgumentException(
            "The block of " + block.layout() + " does not fit the parameters " + here + ".");
      }
      for (String name : here.names()) {
        if (taken.contains(name)) {
          throw new IllegalArgumentException("\"" + name + "\" has a block already.");
        }
      }
      taken.addAll(here.names());
      blocks.add(block);
      return this;
    }

    /**
     * The matrix.
     *
     * @return the matrix
     * @throws IllegalArgumentException if a parameter has no block
     */
    public Curvature build() {
      List<String> missing = new ArrayList<>(layout.names());
      missing.removeAll(taken);
      if (!missing.isEmpty()) {
        throw new IllegalArgumentException("There is no block for " + missing + ".");
      }
      return new Curvature(layout, blocks);
    }
  }

  @Override
  public ParameterLayout layout() {
    return layout;
  }

  /**
   * The blocks, each as a matrix of its own.
   *
   * @return the blocks
   */
  public List<Curvature> blocks() {
    return blocks.stream().map(b -> new Curvature(b.layout(), List.of(b))).toList();
  }

  /**
   * The block of a parameter.
   *
   * @param parameter the parameter's name
   * @return the block that it is in, as a matrix of its own
   * @throws IllegalArgumentException if the name is unknown
   */
  public Curvature block(String parameter) {
    layout.offset(parameter);
    return blocks().stream()
        .filter(b -> b.layout.names().contains(parameter))
        .findFirst()
        .orElseThrow();
  }

  @Override
  public INDArray times(INDArray vectors) {
    return eachPart(layout, blocks, vectors, (k, part) -> blocks.get(k).times(part));
  }

  /** What is done with the part of vectors that belongs to a block. */
  interface PartFunction {
    INDArray apply(int block, INDArray part);
  }

  /** Takes vectors apart by blocks, and puts what becomes of the parts together again. */
  static INDArray eachPart(
      ParameterLayout layout, List<Block> blocks, INDArray vectors, PartFunction function) {
    INDArray rows = Vectors.checked(layout, vectors);
    INDArray result = Matrices.zeros(rows.shape());
    for (int k = 0; k < blocks.size(); k++) {
      ParameterLayout part = blocks.get(k).layout();
      INDArray own = Matrices.zeros(rows.size(0), part.size());
      part.names().forEach(name -> assign(part.columns(own, name), layout.columns(rows, name)));
      INDArray done = function.apply(k, own);
      part.names().forEach(name -> assign(layout.columns(result, name), part.columns(done, name)));
    }
    return result;
  }

  private static void assign(INDArray to, INDArray from) {
    if (from.length() > 0) {
      to.assign(from);
    }
  }

  /** Puts vectors [d] of the blocks together. */
  static INDArray joined(ParameterLayout layout, List<Block> blocks, List<INDArray> parts) {
    INDArray none = Matrices.zeros(1, layout.size());
    return eachPart(layout, blocks, none, (k, part) -> parts.get(k).reshape('c', 1, part.size(1)))
        .reshape(layout.size());
  }

  /**
   * The sum of the diagonal.
   *
   * @return the trace
   * @throws UnsupportedOperationException if a block is known by its products alone
   */
  public double trace() {
    return blocks.stream().mapToDouble(Block::trace).sum();
  }

  /**
   * The diagonal.
   *
   * @return a new array [D]
   * @throws UnsupportedOperationException if a block is known by its products alone
   */
  public INDArray diagonal() {
    return joined(layout, blocks, blocks.stream().map(Block::diagonal).toList());
  }

  /**
   * All eigenvalues.
   *
   * @return a new array [D], ascending
   * @throws UnsupportedOperationException if a block is known by its products alone
   * @throws ArithmeticException if a Kronecker factor has a negative eigenvalue
   */
  public INDArray eigenvalues() {
    double[] all =
        blocks.stream().flatMapToDouble(b -> Arrays.stream(b.eigenvalues())).sorted().toArray();
    return Matrices.array(all, layout.size());
  }

  /**
   * The matrix with damping, the same number for each parameter.
   *
   * @param damping what is added to the diagonal, at least 0
   * @return the damped matrix
   * @throws IllegalArgumentException if the damping is negative or no finite number
   * @throws ArithmeticException if a block is singular or not positive then
   */
  public DampedCurvature damped(double damping) {
    return damped(BlockDamping.same(layout, damping));
  }

  /**
   * The matrix with damping, a number for each parameter.
   *
   * @param damping what is added to the diagonal, by the parameters' names, at least 0
   * @return the damped matrix
   * @throws IllegalArgumentException if a name is unknown or has no damping, or one is negative or
   *     no finite number
   * @throws ArithmeticException if a block is singular or not positive then
   */
  public DampedCurvature damped(Map<String, Double> damping) {
    Map<String, Double> values = BlockDamping.checked(layout, damping);
    List<DampedBlock> damped =
        blocks.stream().map(b -> b.damped(new BlockDamping(b.layout(), values))).toList();
    return new DampedCurvature(layout, blocks, damped);
  }

  /**
   * Solves equations: {@link DampedCurvature#solve}.
   *
   * @param vectors right-hand sides as rows [V, D]
   * @param damping what is added to the diagonal, at least 0
   * @return a new array [V, D]
   * @throws ArithmeticException if a block is singular or not positive with the damping
   */
  public INDArray solve(INDArray vectors, double damping) {
    return damped(damping).solve(vectors);
  }

  /**
   * The logarithm of the determinant: {@link DampedCurvature#logdet}.
   *
   * @param damping what is added to the diagonal, at least 0
   * @return the natural logarithm
   * @throws ArithmeticException if a block is singular or not positive with the damping
   * @throws UnsupportedOperationException if a block is known by its products alone
   */
  public double logdet(double damping) {
    return damped(damping).logdet();
  }

  /**
   * Draws vectors: {@link DampedCurvature#sample}.
   *
   * @param draws how many
   * @param damping what is added to the diagonal, at least 0
   * @param random where random numbers come from
   * @return a new array [draws, D]
   * @throws ArithmeticException if a block is singular or not positive with the damping
   * @throws UnsupportedOperationException if a block is known by its products alone
   */
  public INDArray sample(int draws, double damping, RandomGenerator random) {
    return damped(damping).sample(draws, random);
  }

  /**
   * The same matrix with another choice of how Kronecker factors are damped: (B + π√δ) ⊗ (A + √δ/π)
   * with π² = (tr B / O) / (tr A / I) (Martens and Grosse, 2015, section 6.3), and π = 1 where a
   * factor is zero. This is more than B ⊗ A + δ by π√δ ⊗ A + B ⊗ √δ/π. Blocks of other forms stay
   * as they are.
   *
   * @return the matrix with that choice
   */
  public Curvature withFactoredDamping() {
    return new Curvature(layout, blocks.stream().map(Block::factoredDamping).toList());
  }

  /**
   * The eigenvectors of the blocks, as an extension takes them that works out the eigenvalues which
   * belong to them, {@code EKFAC}: feeds {@code <parameter>.<field>.Q_B} [O, O] and, of Kronecker
   * factors but those of a table that is looked up in, {@code <parameter>.<field>.Q_A} [I, I], with
   * an eigenvector in each column.
   *
   * @param corrected the extension
   * @return the feeds
   * @throws UnsupportedOperationException if a block is of low rank, known by its products alone,
   *     or a whole one of several parameters
   */
  public Map<String, INDArray> eigenvectors(Extension corrected) {
    Map<String, INDArray> feeds = new LinkedHashMap<>();
    for (Block block : blocks) {
      String name = block.layout().names().get(0) + "." + corrected.field() + ".";
      block.eigenvectors().forEach((matrix, columns) -> feeds.put(name + matrix, columns));
    }
    return feeds;
  }

  /**
   * The matrix with these eigenvectors and other eigenvalues, {@code EKFAC}'s (George, Laurent,
   * Bouthillier, Ballas and Vincent, 2018).
   *
   * @param results the eigenvalues {@code <parameter>.<field>}, [O, I] of Kronecker factors, [P] of
   *     a whole block; of a diagonal block the diagonal {@code <parameter>.<field>.diag} [P…]
   * @param corrected the extension that they are of
   * @return a new matrix
   * @throws IllegalArgumentException if a parameter has no eigenvalues, or ones of another shape
   * @throws UnsupportedOperationException if a block is of low rank, known by its products alone,
   *     or a whole one of several parameters
   */
  public Curvature withEigenvalues(QuantityResults results, Extension corrected) {
    List<Block> changed = new ArrayList<>();
    for (Block block : blocks) {
      String parameter = block.layout().names().get(0);
      INDArray eigenvalues =
          block instanceof DiagonalBlock
              ? results.get(parameter, corrected, "diag")
              : results.get(parameter, corrected);
      changed.add(block.withEigenvalues(eigenvalues));
    }
    return new Curvature(layout, changed);
  }

  /**
   * A multiple, such as the curvature of a sum of losses from that of their mean.
   *
   * @param factor what the matrix is multiplied by, at least 0
   * @return a new matrix
   * @throws IllegalArgumentException if the factor is negative or no finite number
   */
  public Curvature scaled(double factor) {
    if (!Double.isFinite(factor) || factor < 0) {
      throw new IllegalArgumentException(
          "A matrix is scaled by a finite number of at least 0, not " + factor + ".");
    }
    return new Curvature(layout, blocks.stream().map(b -> b.scaled(factor)).toList());
  }

  /**
   * Saves the matrix: a zip file with an {@code index.txt} that lists parameters, their shapes and
   * the blocks, and an entry in NumPy's {@code .npy} format, in double precision, for each array. A
   * file that is there is replaced once the new one is whole.
   *
   * @param file where to
   * @throws IOException if it cannot be written
   * @throws UnsupportedOperationException if a block is known by its products alone
   */
  public void save(Path file) throws IOException {
    CurvatureFile.save(file, layout, blocks);
  }

  /**
   * Loads a matrix, equal to the last bit to what was saved.
   *
   * @param file where from
   * @param layout the parameters that it must be of
   * @return the matrix
   * @throws IOException if it cannot be read, or is no such file
   * @throws IllegalArgumentException if it is of other parameters
   */
  public static Curvature load(Path file, ParameterLayout layout) throws IOException {
    return new Curvature(layout, CurvatureFile.load(file, layout));
  }

  /** The forms of the blocks. */
  @Override
  public String toString() {
    Map<String, String> forms = new LinkedHashMap<>();
    IntStream.range(0, blocks.size())
        .forEach(k -> forms.put(blocks.get(k).layout().toString(), blocks.get(k).form()));
    return forms.toString();
  }
}
