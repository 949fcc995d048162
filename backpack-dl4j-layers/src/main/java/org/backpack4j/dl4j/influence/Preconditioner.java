package org.backpack4j.dl4j.influence;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.backpack4j.dl4j.internal.trained.FedGraphs;
import org.backpack4j.dl4j.internal.trained.OpenGraphs;
import org.backpack4j.dl4j.internal.trained.TrainedModel;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.QuantityResults;
import org.backpack4j.samediff.curvature.Curvature;
import org.backpack4j.samediff.curvature.DampedCurvature;
import org.backpack4j.samediff.curvature.ParameterLayout;
import org.backpack4j.samediff.dataset.DataSetOperator;
import org.backpack4j.samediff.dataset.DataSetResults;
import org.backpack4j.samediff.extension.Columns;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.DiagGGNMC;
import org.backpack4j.samediff.extension.EKFAC;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.extension.GGNProduct;
import org.backpack4j.samediff.extension.GradQuadratic;
import org.backpack4j.samediff.extension.KFACExpand;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The inverse of a damped curvature matrix of the sum of the training samples' losses, (Σₙ Cₙ + N
 * δ)⁻¹, by which query gradients are multiplied.
 *
 * @param damped the matrix
 * @param quadratic the quantity of each sample that gᵀ (…)⁻¹ g is; null where it is made of rows
 * @param feeds what that quantity is fed
 * @param decrement half of ḡᵀ C⁻¹ ḡ of the mean loss: what a step to the minimum of its quadratic
 *     model would gain
 * @param loss the mean loss; NaN if it is not known
 */
record Preconditioner(
    DampedCurvature damped,
    @Nullable GradQuadratic quadratic,
    Map<String, INDArray> feeds,
    double decrement,
    double loss) {
  /** A matrix that is not blocks is made of as many products with unit vectors at once. */
  private static final int PRODUCTS = 32;

  /** Of more parameters a whole matrix has no room. */
  static final long LARGEST = 8192;

  /** What is to be made of the training data. */
  record Wish(TrainedModel model, List<String> parameters, TrainingData data, Damping damping) {
    OpenGraphs open(Extension... extensions) {
      return model.open(parameters, extensions);
    }
  }

  /**
   * The damping.
   *
   * @param value what is added to the curvature of the mean loss; NaN for a share of each block's
   *     mean eigenvalue
   */
  record Damping(double value) {
    private static final double SHARE = 0.1;

    /**
     * The damping of each parameter.
     *
     * @param curvature of the sum
     * @param samples what takes a mean to the sum
     */
    Map<String, Double> of(Curvature curvature, double samples) {
      Map<String, Double> all = new LinkedHashMap<>();
      for (Curvature block : curvature.blocks()) {
        double mean = block.trace() / block.layout().size();
        // a block of zeros is multiplied with gradients that are zero
        double own = Double.isNaN(value) ? (mean > 0 ? SHARE * mean : 1) : value * samples;
        block.layout().names().forEach(name -> all.put(name, own));
      }
      return all;
    }
  }

  /** Eigenvalue-corrected Kronecker factors. */
  static Preconditioner ekfac(Wish wish, Columns columns) {
    KFACExpand factors = new KFACExpand(columns);
    EKFAC corrected = new EKFAC(columns);
    Pass first = pass(wish, Map.of(), factors);
    Curvature basis = Curvature.of(first.graph(), first.results().quantities(), factors);
    Pass second = pass(wish, basis.eigenvectors(corrected), corrected);
    QuantityResults eigenvalues = second.results().quantities();
    Curvature curvature = basis.withEigenvalues(eigenvalues, corrected);
    Map<String, INDArray> own = new LinkedHashMap<>();
    for (String p : basis.layout().names()) {
      INDArray whole = eigenvalues.outputs().get(p + "." + corrected.field());
      own.put(p, whole != null ? whole : eigenvalues.get(p, corrected, "diag"));
    }
    return inBasis(wish, first, curvature, basis, own);
  }

  /** Kronecker factors. */
  static Preconditioner kron(Wish wish, Columns columns) {
    KFACExpand factors = new KFACExpand(columns);
    Pass pass = pass(wish, Map.of(), factors);
    QuantityResults results = pass.results().quantities();
    Curvature curvature = Curvature.of(pass.graph(), results, factors);
    Map<String, INDArray> vectors = curvature.eigenvectors(factors);
    Map<String, INDArray> own = new LinkedHashMap<>();
    for (String p : curvature.layout().names()) {
      String name = p + "." + factors.field() + ".";
      INDArray diagonal = results.outputs().get(name + "diag");
      if (diagonal != null) {
        own.put(p, diagonal);
        continue;
      }
      INDArray left = along(vectors.get(name + "Q_B"), results.get(p, factors, "B"));
      INDArray inputs = results.outputs().get(name + "A");
      INDArray table = results.outputs().get(name + "A_diag");
      if (inputs != null) {
        own.put(p, outer(left, along(vectors.get(name + "Q_A"), inputs)));
      } else {
        own.put(p, table != null ? outer(left, table.castTo(DataType.DOUBLE)) : left);
      }
    }
    return inBasis(wish, pass, curvature, curvature, own);
  }

  /** The eigenvalues of a matrix, in the order of its eigenvectors. */
  private static INDArray along(@Nullable INDArray vectors, INDArray matrix) {
    INDArray q = Objects.requireNonNull(vectors);
    return matrix.castTo(DataType.DOUBLE).mmul(q).muli(q).sum(0);
  }

  private static INDArray outer(INDArray left, INDArray right) {
    return left.reshape(left.length(), 1).mmul(right.reshape(1, right.length()));
  }

  /**
   * Of a matrix whose eigenvectors and eigenvalues are known.
   *
   * @param basis has the eigenvectors
   * @param own the eigenvalues of each parameter's block
   */
  private static Preconditioner inBasis(
      Wish wish, Pass pass, Curvature curvature, Curvature basis, Map<String, INDArray> own) {
    GradQuadratic quadratic = new GradQuadratic();
    Map<String, INDArray> feeds = new LinkedHashMap<>(basis.eigenvectors(quadratic));
    return weighted(wish, pass, curvature, own, quadratic, feeds);
  }

  private static Preconditioner weighted(
      Wish wish,
      Pass pass,
      Curvature curvature,
      Map<String, INDArray> own,
      GradQuadratic quadratic,
      Map<String, INDArray> feeds) {
    double normaliser = pass.results().normaliser();
    Curvature sum = curvature.scaled(normaliser);
    Map<String, Double> damping = wish.damping().of(sum, pass.samples());
    own.forEach(
        (p, values) ->
            feeds.put(
                p + "." + quadratic.field() + ".weights",
                values
                    .castTo(DataType.DOUBLE)
                    .mul(normaliser)
                    .addi(Objects.requireNonNull(damping.get(p)))
                    .rdivi(1)));
    return pass.made(sum.damped(damping), quadratic, feeds);
  }

  /** The diagonal. */
  static Preconditioner diagonal(Wish wish, Columns columns) {
    Extension extension =
        columns.random() ? new DiagGGNMC(columns.samples(), columns.seed()) : new DiagGGNExact();
    Pass pass = pass(wish, Map.of(), extension);
    QuantityResults results = pass.results().quantities();
    Curvature curvature = Curvature.of(pass.graph(), results, extension);
    Map<String, INDArray> own = new LinkedHashMap<>();
    curvature.layout().names().forEach(p -> own.put(p, results.get(p, extension)));
    return weighted(wish, pass, curvature, own, GradQuadratic.diagonal(), new LinkedHashMap<>());
  }

  /** The whole matrix. */
  static Preconditioner full(Wish wish) {
    Pass pass = pass(wish, Map.of(), new Extension[0]);
    ParameterLayout layout = ParameterLayout.of(pass.graph());
    long size = layout.size();
    if (size > LARGEST) {
      throw new IllegalArgumentException(
          "The whole matrix of "
              + size
              + " parameters has no room: full() is for at most "
              + LARGEST
              + ". Take ekfac(), or fewer layers by layers(…).");
    }
    GGNProduct products = new GGNProduct((int) Math.min(PRODUCTS, size));
    try (OpenGraphs opened = wish.open(products)) {
      INDArray rows =
          DataSetOperator.of(opened, products, wish.data().pass())
              .times(Nd4j.eye(size).castTo(DataType.DOUBLE));
      INDArray block = rows.add(rows.transpose()).divi(2);
      Curvature sum =
          Curvature.builder(layout)
              .dense(layout.names(), block)
              .build()
              .scaled(pass.results().normaliser());
      return pass.made(sum.damped(wish.damping().of(sum, pass.samples())), null, Map.of());
    }
  }

  /**
   * What a pass has gathered.
   *
   * @param graph tells shapes and axes
   */
  private record Pass(DataSetResults results, ExtendedGraph graph) {
    /** What takes the curvature of the mean loss to that of the sum. */
    double samples() {
      double normaliser = results.normaliser();
      return normaliser == 1 ? results.samples() : normaliser;
    }

    Preconditioner made(
        DampedCurvature damped, @Nullable GradQuadratic quadratic, Map<String, INDArray> feeds) {
      Map<String, INDArray> gradients = new LinkedHashMap<>();
      damped.layout().names().forEach(p -> gradients.put(p, results.quantities().gradient(p)));
      INDArray g = damped.layout().join(gradients).reshape(1, damped.layout().size());
      INDArray sum = g.mul(results.normaliser());
      double decrement = damped.solve(sum).muli(sum).sumNumber().doubleValue() / 2;
      double share = results.normaliser() / samples();
      return new Preconditioner(
          damped,
          quadratic,
          feeds,
          decrement / samples(),
          results.loss().orElse(Double.NaN) * share);
    }
  }

  private static Pass pass(Wish wish, Map<String, INDArray> fed, Extension... extensions) {
    try (OpenGraphs opened = wish.open(extensions)) {
      FedGraphs graphs = new FedGraphs(opened, fed);
      DataSetResults results = Passes.sums(graphs, wish.data().pass());
      return new Pass(results, graphs.last());
    }
  }
}
