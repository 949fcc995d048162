package org.backpack4j.samediff.curvature;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.extension.GramGGN;
import org.backpack4j.samediff.extension.JacobianProduct;
import org.backpack4j.samediff.extension.SqrtGGNProduct;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The largest eigenvalues of a batch's generalised Gauss-Newton matrix, their directions, and the
 * loss along these for each sample (Dangel, Tatzel and Hennig, 2022, "ViViT: Curvature access
 * through the generalized Gauss-Newton's low-rank structure").
 *
 * <p>They come from the Gram matrix of the columns ({@link GramGGN}), [N V, N V], however many
 * parameters there are; the columns themselves are not made where factors are cheaper. Gradients
 * along the directions come from a pass forward: no gradient of a sample is made.
 *
 * <p>Everything is in the scale of the loss: the samples' derivatives add up to those of the batch.
 * ViViT's own are N times as large for a mean loss.
 */
public final class GGNEigenpairs {
  /** Eigenvalues below this fraction of the largest are rounding. */
  private static final double NEGLIGIBLE = 1e-10;

  private final ParameterLayout layout;
  private final double[] eigenvalues;
  private final INDArray directions;
  private final INDArray first;
  private final INDArray second;

  private GGNEigenpairs(
      ParameterLayout layout,
      double[] eigenvalues,
      INDArray directions,
      INDArray first,
      INDArray second) {
    this.layout = layout;
    this.eigenvalues = eigenvalues;
    this.directions = directions;
    this.first = first;
    this.second = second;
  }

  /**
   * The eigenpairs of a batch.
   *
   * @param sd a graph with a loss whose second derivative by the predictions is known to be
   *     positive
   * @param feeds an array for each placeholder that is needed
   * @param most how many at most, the largest first; those that are zero to rounding, below 1e-10
   *     of the largest, are left out
   * @param parameters the parameters whose matrix it is; all if none is named
   * @return the eigenpairs
   * @throws IllegalArgumentException if {@code most} is less than 1
   * @throws org.backpack4j.samediff.UnsupportedGraphException if the graph has no such matrix
   */
  public static GGNEigenpairs of(
      SameDiff sd, Map<String, INDArray> feeds, int most, String... parameters) {
    if (most < 1) {
      throw new IllegalArgumentException("At least one eigenpair, not " + most + ".");
    }
    GramGGN gram = new GramGGN();
    INDArray matrix;
    ParameterLayout layout;
    List<String> predictions;
    long samples;
    try (ExtendedGraph graph = BackPack.on(sd).parameters(parameters).extend(gram)) {
      matrix = exact(graph.output(feeds, gram.field()), gram.field());
      layout = ParameterLayout.of(graph);
      predictions = graph.predictions();
      samples = graph.samples(feeds);
    }
    Eigen eigen = Eigen.of("the Gram matrix", matrix);
    int n = eigen.values().length;
    int count = 0;
    while (count < Math.min(most, n)
        && eigen.values()[n - 1 - count] > NEGLIGIBLE * eigen.values()[n - 1]) {
      count++;
    }
    double[] values = new double[count];
    Arrays.setAll(values, k -> eigen.values()[n - 1 - k]);
    if (count == 0) {
      INDArray none = Nd4j.create(DataType.DOUBLE, 0, layout.size());
      INDArray nothing = Nd4j.create(DataType.DOUBLE, samples, 0);
      return new GGNEigenpairs(layout, values, none, nothing, nothing);
    }
    Extension sums = new SqrtGGNProduct(count);
    BackPack.Builder builder =
        BackPack.on(sd)
            .parameters(layout.names().toArray(String[]::new))
            .variables(predictions.toArray(String[]::new));
    try (ExtendedGraph graph = builder.extend(sums, new JacobianProduct(count), new BatchGrad())) {
      double[][] e = new double[count][];
      for (int d = 0; d < count; d++) {
        e[d] = eigen.vectors().getColumn(n - 1 - d).dup().toDoubleVector();
      }
      INDArray directions = directions(graph, feeds, layout, sums, e, values, samples);
      INDArray first = derivatives(graph, feeds, layout, predictions, directions);
      return new GGNEigenpairs(layout, values, directions, first, curvatures(e, values, samples));
    }
  }

  /** U e/√λ for each eigenvector. */
  private static INDArray directions(
      ExtendedGraph graph,
      Map<String, INDArray> feeds,
      ParameterLayout layout,
      Extension sums,
      double[][] e,
      double[] values,
      long samples) {
    int columns = Math.toIntExact(e[0].length / samples);
    double[] weights = new double[Math.toIntExact(samples * values.length * columns)];
    for (int i = 0; i < samples; i++) {
      for (int d = 0; d < values.length; d++) {
        for (int v = 0; v < columns; v++) {
          weights[(i * values.length + d) * columns + v] =
              e[d][i * columns + v] / Math.sqrt(values[d]);
        }
      }
    }
    Map<String, INDArray> fed = new LinkedHashMap<>(feeds);
    INDArray all = Nd4j.createFromArray(weights).reshape(samples, values.length, columns);
    fed.put(SqrtGGNProduct.WEIGHTS, typed(graph, SqrtGGNProduct.WEIGHTS, all));
    Map<String, String> names = graph.outputsOf(sums);
    Map<String, INDArray> out = graph.output(fed, names.values());
    Map<String, INDArray> rows = new LinkedHashMap<>();
    names.forEach((parameter, name) -> rows.put(parameter, out.get(name)));
    return layout.joinRows(rows);
  }

  /** The gradient at the predictions times J v, for each sample and direction. */
  private static INDArray derivatives(
      ExtendedGraph graph,
      Map<String, INDArray> feeds,
      ParameterLayout layout,
      List<String> predictions,
      INDArray directions) {
    Map<String, INDArray> fed = new LinkedHashMap<>(feeds);
    layout
        .split(directions)
        .forEach((p, rows) -> fed.put(p + ".vector", typed(graph, p + ".vector", rows)));
    List<String> names = new ArrayList<>();
    predictions.forEach(p -> names.addAll(List.of(p + ".jvp", p + ".grad_batch")));
    Map<String, INDArray> out = graph.output(fed, names);
    List<INDArray> parts = new ArrayList<>();
    for (String p : predictions) {
      INDArray tangents = exact(out, p + ".jvp");
      long n = tangents.size(0);
      long d = tangents.size(1);
      INDArray gradient = exact(out, p + ".grad_batch");
      INDArray flat = tangents.dup('c').reshape(n, d, -1);
      parts.add(flat.mul(gradient.dup('c').reshape(n, 1, -1).broadcast(flat.shape())).sum(2));
    }
    return parts.stream().reduce(INDArray::add).orElseThrow();
  }

  /** λ Σᵥ e[n, v]², the curvature of a sample along an eigenvector. */
  private static INDArray curvatures(double[][] e, double[] values, long samples) {
    double[] all = new double[Math.toIntExact(samples * values.length)];
    for (int d = 0; d < values.length; d++) {
      int columns = Math.toIntExact(e[d].length / samples);
      for (int k = 0; k < e[d].length; k++) {
        all[k / columns * values.length + d] += values[d] * e[d][k] * e[d][k];
      }
    }
    return Nd4j.createFromArray(all).reshape(samples, values.length);
  }

  private static INDArray exact(Map<String, INDArray> out, String name) {
    return Objects.requireNonNull(out.get(name)).castTo(DataType.DOUBLE);
  }

  private static INDArray typed(ExtendedGraph graph, String placeholder, INDArray array) {
    return array.castTo(graph.sameDiff().getVariable(placeholder).dataType());
  }

  /**
   * The parameters.
   *
   * @return where each one's entries stand in a direction
   */
  public ParameterLayout layout() {
    return layout;
  }

  /**
   * The eigenvalues.
   *
   * @return K numbers, the largest first
   */
  public double[] eigenvalues() {
    return eigenvalues.clone();
  }

  /**
   * The eigenvectors.
   *
   * @return [K, D], each of length one, in the order of the eigenvalues
   */
  public INDArray directions() {
    return directions.dup();
  }

  /**
   * Each sample's first derivative along each direction, its part of γ = gᵀ v.
   *
   * @return [N, K]; a column adds up to the loss's derivative, penalties aside
   */
  public INDArray firstDerivatives() {
    return first.dup();
  }

  /**
   * Each sample's second derivative along each direction, its part of λ = vᵀ G v.
   *
   * @return [N, K]; a column adds up to the eigenvalue
   */
  public INDArray secondDerivatives() {
    return second.dup();
  }

  /**
   * A damped Newton step within the directions, −Σ γ/(λ + δ) v.
   *
   * @param damping δ, not negative
   * @return [D]
   * @throws IllegalArgumentException if the damping is negative or no number
   */
  public INDArray newtonStep(double damping) {
    if (!(damping >= 0)) {
      throw new IllegalArgumentException("The damping is " + damping + ", not 0 or more.");
    }
    INDArray step = Nd4j.zeros(DataType.DOUBLE, layout.size());
    for (int d = 0; d < eigenvalues.length; d++) {
      double slope = first.getColumn(d).sumNumber().doubleValue();
      step.subi(directions.getRow(d).mul(slope / (eigenvalues[d] + damping)));
    }
    return step;
  }
}
