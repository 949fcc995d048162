package org.backpack4j.dl4j.influence;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import org.backpack4j.dl4j.internal.trained.FedGraphs;
import org.backpack4j.dl4j.internal.trained.OpenGraphs;
import org.backpack4j.dl4j.internal.trained.OutputLoss;
import org.backpack4j.dl4j.internal.trained.TrainedModel;
import org.backpack4j.samediff.curvature.Curvature;
import org.backpack4j.samediff.curvature.DampedCurvature;
import org.backpack4j.samediff.curvature.ParameterLayout;
import org.backpack4j.samediff.extension.GradProduct;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * TRAK (Park et al., 2023): with φ = Pᵀ ∂m/∂θ / √k of the margin m, P [D, k] of random signs, and Φ
 * [N, k] of the training samples, the score of n is φ(query)ᵀ (ΦᵀΦ + λ)⁻¹ φₙ (1 − pₙ). The margin's
 * gradients are projected, a block of P's columns in a pass, and never kept.
 */
final class TrakScorer implements Scorer {
  /** As many bytes of P, in double precision, are there at once. */
  private static final long BLOCK_BYTES = 256L << 20;

  private final TrainedModel model;
  private final List<String> parameters;
  private final int dimension;
  private final long seed;

  /** Φ [N, k]. */
  private final INDArray features;

  /** 1 − p of each training sample. */
  private final double[] missing;

  private final DampedCurvature kernel;

  /** What projections give of a data set. */
  private record Projected(INDArray features, double[] missing) {}

  /**
   * Projects the training data.
   *
   * @param damping λ
   */
  TrakScorer(
      TrainedModel model,
      List<String> parameters,
      TrainingData data,
      int dimension,
      long seed,
      double damping) {
    this.model = model;
    this.parameters = parameters;
    this.dimension = dimension;
    this.seed = seed;
    Projected training = projected(data.pass(), data.samples());
    features = training.features();
    missing = training.missing();
    Map<String, long[]> shape = Map.of("features", new long[] {dimension});
    ParameterLayout layout = ParameterLayout.of(shape);
    INDArray gram = features.transpose().mmul(features);
    try {
      kernel = Curvature.builder(layout).dense(layout.names(), gram).build().damped(damping);
    } catch (ArithmeticException e) {
      throw new IllegalArgumentException(
          "The "
              + dimension
              + " projections of "
              + data.samples()
              + " training samples' gradients are linearly dependent, so that ΦᵀΦ has no inverse:"
              + " take a smaller projection dimension, or a damping(λ) above 0.",
          e);
    }
  }

  private Projected projected(MultiDataSetIterator data, int samples) {
    INDArray all = Nd4j.create(DataType.DOUBLE, samples, dimension);
    double[] missing = new double[samples];
    int from = 0;
    while (from < dimension) {
      from = project(data, samples, from, all, missing);
    }
    return new Projected(all, missing);
  }

  /** One pass; answers the column behind those that it made. */
  private int project(
      MultiDataSetIterator data, int samples, int from, INDArray all, double[] missing) {
    try (OpenGraphs sized = model.open(parameters, GradProduct.ofCotangents(1))) {
      data.reset();
      ParameterLayout layout = ParameterLayout.of(sized.of(data.next()).graph());
      int count = (int) Math.max(1, Math.min(dimension - from, BLOCK_BYTES / (8 * layout.size())));
      project(data, samples, from, from + count, layout, all, missing);
      return from + count;
    }
  }

  private void project(
      MultiDataSetIterator data,
      int samples,
      int from,
      int to,
      ParameterLayout layout,
      INDArray all,
      double[] missing) {
    GradProduct product = GradProduct.ofCotangents(to - from);
    Map<String, INDArray> feeds = new LinkedHashMap<>();
    layout
        .split(signs(layout.size(), from, to, dimension, seed))
        .forEach((p, part) -> feeds.put(p + "." + product.field() + ".vectors", part));
    int[] next = {0};
    try (OpenGraphs opened = model.open(parameters, product)) {
      // labels are of the batch, which the graphs see first
      FedGraphs graphs =
          new FedGraphs(
              opened,
              feeds,
              (given, batch) -> {
                OutputLoss loss = Errors.loss(batch.graph(), "TRAK's margin");
                String prediction = loss.predictions();
                INDArray z =
                    Objects.requireNonNull(
                        batch.graph().output(batch.feeds(), prediction).get(prediction));
                Margins margins = margins(loss.kind(), z, given);
                System.arraycopy(margins.missing(), 0, missing, next[0], margins.missing().length);
                next[0] += margins.missing().length;
                return Map.of(prediction + ".vector", margins.cotangents().castTo(z.dataType()));
              });
      Passes.rows(
          graphs,
          data,
          samples,
          (name, first, rows) -> {
            if (name.equals(product.field())) {
              all.get(
                      NDArrayIndex.interval(first, first + rows.size(0)),
                      NDArrayIndex.interval(from, to))
                  .assign(rows);
            }
          });
    }
  }

  private static Margins margins(OutputLoss.Kind kind, INDArray z, MultiDataSet batch) {
    int[] classes = Labels.classes(batch);
    boolean fits =
        switch (kind) {
          case SOFTMAX -> z.rank() == 2;
          case SIGMOID -> z.rank() == 2 && z.size(1) == 1;
          case SQUARED -> false;
        };
    if (!fits || z.size(0) != classes.length) {
      throw new IllegalArgumentException(
          "TRAK's margin is of a classifier with one class for each sample: predictions [N, C] in"
              + " front of a softmax, or [N, 1] in front of a sigmoid. This network's loss is "
              + (kind == OutputLoss.Kind.SQUARED ? "a squared error" : "a cross-entropy")
              + " of predictions "
              + Arrays.toString(z.shape())
              + ". Take ekfac() or gradientDotProduct() for it.");
    }
    for (int k = 0; k < classes.length; k++) {
      if (classes[k] < 0) {
        throw new IllegalArgumentException(
            "The label of sample "
                + k
                + " of a batch is no class, and TRAK's margin is of one: labels have to be one-hot"
                + " (or 0 and 1 of a single sigmoid), without masks of positions.");
      }
    }
    return kind == OutputLoss.Kind.SOFTMAX
        ? Margins.softmax(z, classes)
        : Margins.sigmoid(z, classes);
  }

  /**
   * Columns of P, as rows.
   *
   * @return [to − from, D] of ±1/√k, each row from the seed and its own number alone
   */
  static INDArray signs(long size, int from, int to, int dimension, long seed) {
    double unit = 1 / Math.sqrt(dimension);
    INDArray signs = Nd4j.create(DataType.DOUBLE, to - from, size);
    for (int row = from; row < to; row++) {
      SplittableRandom random = new SplittableRandom(seed * 0x9E3779B97F4A7C15L + row);
      double[] entries = new double[Math.toIntExact(size)];
      long bits = 0;
      for (int k = 0; k < entries.length; k++) {
        bits = k % Long.SIZE == 0 ? random.nextLong() : bits >>> 1;
        entries[k] = (bits & 1) == 0 ? unit : -unit;
      }
      signs.putRow(row - from, Nd4j.createFromArray(entries));
    }
    return signs;
  }

  @Override
  public Queries queries(Sink sink) {
    return new Queries() {
      @Override
      public void add(MultiDataSet batch, int first) {
        int count = (int) batch.getFeatures(0).size(0);
        INDArray own =
            Passes.ofTestSamples(first, () -> projected(Passes.of(batch), count).features());
        INDArray scores = kernel.solve(own).mmul(features.transpose());
        for (int q = 0; q < count; q++) {
          double[] each = scores.getRow(q).toDoubleVector();
          for (int n = 0; n < each.length; n++) {
            each[n] *= missing[n];
          }
          sink.take(each);
        }
      }

      @Override
      public void finish() {}
    };
  }

  @Override
  public double[] self() {
    double[] self = kernel.solve(features).muli(features).sum(1).toDoubleVector();
    for (int n = 0; n < self.length; n++) {
      self[n] *= missing[n];
    }
    return self;
  }

  @Override
  public String meaning() {
    return "TRAK's score: by how much the training sample raises the margin ln(p / (1 − p)) of the"
        + " test sample's class, up to a factor that all scores share roughly. Above 0: without"
        + " the training sample the margin would be smaller and the loss larger, so it helps;"
        + " below 0: it harms. Read order and sign, not size.";
  }

  @Override
  public String meaningOfSelf() {
    return "TRAK's score of the sample for itself: by how much it raises its own margin. Read"
        + " order, not size.";
  }

  @Override
  public List<String> notes() {
    return List.of();
  }

  @Override
  public void close() {}
}
