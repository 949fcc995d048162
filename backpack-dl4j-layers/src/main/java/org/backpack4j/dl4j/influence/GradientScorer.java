package org.backpack4j.dl4j.influence;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.backpack4j.dl4j.internal.trained.FedGraphs;
import org.backpack4j.dl4j.internal.trained.OpenGraphs;
import org.backpack4j.dl4j.internal.trained.Recent;
import org.backpack4j.dl4j.internal.trained.TrainedModel;
import org.backpack4j.samediff.curvature.ParameterLayout;
import org.backpack4j.samediff.dataset.BatchGraphs;
import org.backpack4j.samediff.dataset.DataSetResults;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.BatchL2Grad;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.extension.GradProduct;
import org.backpack4j.samediff.extension.GradQuadratic;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Products of training samples' gradients with query gradients that were multiplied by the inverse
 * of a curvature matrix first, or by 1/N. A block of queries goes over the training data once.
 */
final class GradientScorer implements Scorer {
  /** As many bytes of query gradients, in double precision, are worked through together. */
  private static final long BLOCK_BYTES = 256L << 20;

  /** More queries at once bring nothing. */
  private static final int MOST = 64;

  /** The graphs of as many quantities are kept. */
  private static final int KEPT = 4;

  private final TrainedModel model;
  private final List<String> parameters;
  private final TrainingData data;

  /** Null for products of gradients as they are. */
  private final @Nullable Preconditioner preconditioner;

  private final Recent<String, OpenGraphs> kept = new Recent<>(KEPT, OpenGraphs::close);

  GradientScorer(
      TrainedModel model,
      List<String> parameters,
      TrainingData data,
      @Nullable Preconditioner preconditioner) {
    this.model = model;
    this.parameters = parameters;
    this.data = data;
    this.preconditioner = preconditioner;
  }

  /** The graphs of a quantity, which are kept: those that were used last. */
  private BatchGraphs opened(Extension extension) {
    String key = extension.getClass().getSimpleName() + " " + extension.columns() + " ";
    String name = key + (extension instanceof GradProduct p ? p.vectors() : 0);
    return kept.get(name, k -> model.open(parameters, extension));
  }

  @Override
  public void close() {
    kept.close();
  }

  @Nullable Preconditioner preconditioner() {
    return preconditioner;
  }

  @Override
  public String meaning() {
    return preconditioner == null
        ? "The change of the test loss, to first order, if the sample were left out of one step of"
            + " gradient descent on the mean of the training losses, with a learning rate of 1."
            + " Above 0: the sample lowers the test loss (it helps)."
        : "The predicted change of the test loss if the training sample were left out and the"
            + " network trained to the end again, in units of the loss. Above 0: the test loss"
            + " would rise, so the sample helps; below 0: it would fall, so the sample harms.";
  }

  @Override
  public String meaningOfSelf() {
    return preconditioner == null
        ? "The sample's squared gradient norm over the number of samples: the change of its own"
            + " loss if it were left out of one step of gradient descent with a learning rate of 1."
        : "The predicted change of the sample's own loss if it were left out of the training, in"
            + " units of the loss. The larger, the more it is learnt from itself alone.";
  }

  @Override
  public List<String> notes() {
    List<String> notes = new ArrayList<>();
    if (preconditioner != null) {
      double loss = preconditioner.loss();
      double gain = preconditioner.decrement();
      if (gain > CONVERGED * Math.abs(loss)) {
        notes.add(
            String.format(
                Locale.ROOT,
                "The network is not at a minimum of the training loss: a step to the minimum of"
                    + " the quadratic model would lower the mean loss of %.3g by %.3g. Influence"
                    + " tells of a minimum; of this network it tells which way the loss would go"
                    + " from here (Bae et al., 2022), and retraining may differ. l1, l2 and weight"
                    + " decay, which are not part of the loss here, have the same effect.",
                loss,
                gain));
      }
    }
    return notes;
  }

  /** A loss that a step could lower by more than this share is not at its minimum. */
  private static final double CONVERGED = 0.1;

  @Override
  public Queries queries(Sink sink) {
    return new Block(sink);
  }

  /** Query gradients of a block. */
  private final class Block implements Queries {
    private final Sink sink;
    private final List<INDArray> block = new ArrayList<>();
    private int filled;
    private @Nullable ParameterLayout known;

    Block(Sink sink) {
      this.sink = sink;
    }

    @Override
    public void add(MultiDataSet batch, int first) {
      int count = (int) batch.getFeatures(0).size(0);
      int room = (int) Math.max(1, Math.min(MOST, BLOCK_BYTES / (8 * layout(batch).size())));
      int from = 0;
      while (from < count) {
        int to = Math.min(count, from + room - filled);
        MultiDataSet some = Slices.of(batch, from, to);
        block.add(Passes.ofTestSamples(first + from, () -> rows(some)));
        filled += to - from;
        from = to;
        if (filled == room) {
          finish();
        }
      }
    }

    private ParameterLayout layout(MultiDataSet batch) {
      ParameterLayout layout = known;
      if (layout == null) {
        layout = ParameterLayout.of(opened(new BatchGrad()).of(batch).graph());
        known = layout;
      }
      return layout;
    }

    /** The gradients of a batch's own losses [n, D]. */
    INDArray rows(MultiDataSet batch) {
      ParameterLayout layout = layout(batch);
      String field = "." + new BatchGrad().field();
      int count = (int) batch.getFeatures(0).size(0);
      Map<String, INDArray> flat =
          Passes.collected(opened(new BatchGrad()), Passes.of(batch), count, names(field), 1);
      INDArray all = Nd4j.create(DataType.DOUBLE, count, layout.size());
      for (String p : layout.names()) {
        INDArray part = flat.get(p + field);
        if (part != null && part.length() > 0) {
          long from = layout.offset(p);
          all.get(NDArrayIndex.all(), NDArrayIndex.interval(from, from + layout.size(p)))
              .assign(part);
        }
      }
      return all;
    }

    @Override
    public void finish() {
      if (filled == 0) {
        return;
      }
      INDArray queries = block.size() == 1 ? block.get(0) : Nd4j.vstack(block);
      block.clear();
      filled = 0;
      INDArray solved =
          preconditioner == null
              ? queries.divi(data.samples())
              : preconditioner.damped().solve(queries);
      for (double[] each : scores(solved, Objects.requireNonNull(known))) {
        sink.take(each);
      }
    }

    private double[][] scores(INDArray vectors, ParameterLayout layout) {
      int count = (int) vectors.size(0);
      GradProduct product = new GradProduct(count);
      Map<String, INDArray> feeds = new LinkedHashMap<>();
      layout
          .split(vectors)
          .forEach((p, part) -> feeds.put(p + "." + product.field() + ".vectors", part));
      double[][] scores = new double[count][data.samples()];
      DataSetResults results =
          Passes.rows(
              new FedGraphs(opened(product), feeds),
              data.pass(),
              data.samples(),
              (name, first, part) -> {
                if (name.equals(product.field())) {
                  for (int n = 0; n < part.size(0); n++) {
                    for (int q = 0; q < count; q++) {
                      scores[q][first + n] = part.getDouble(n, q);
                    }
                  }
                }
              });
      scale(scores, results.normaliser());
      return scores;
    }
  }

  private static void scale(double[][] scores, double factor) {
    if (factor != 1) {
      for (double[] each : scores) {
        for (int k = 0; k < each.length; k++) {
          each[k] *= factor;
        }
      }
    }
  }

  private Set<String> names(String field) {
    return parameters.stream().map(p -> p + field).collect(Collectors.toSet());
  }

  @Override
  public double[] self() {
    if (preconditioner == null) {
      double[] norms = squaredNorms();
      double[][] all = {norms};
      scale(all, 1.0 / data.samples());
      return norms;
    }
    GradQuadratic quadratic = preconditioner.quadratic();
    return quadratic == null ? selfByRows(preconditioner) : self(preconditioner, quadratic);
  }

  private double[] self(Preconditioner by, GradQuadratic quadratic) {
    return collected(opened(quadratic), by.feeds(), quadratic.field()::equals);
  }

  /** The squared norm of each training sample's gradient, of its own loss. */
  double[] squaredNorms() {
    Set<String> names = names("." + new BatchL2Grad().field());
    return collected(opened(new BatchL2Grad()), Map.of(), names::contains);
  }

  /** The sum of some outputs [N] that are of degree 2. */
  private double[] collected(
      BatchGraphs graphs, Map<String, INDArray> feeds, Predicate<String> chosen) {
    double[] sums = new double[data.samples()];
    DataSetResults results =
        Passes.rows(
            new FedGraphs(graphs, feeds),
            data.pass(),
            data.samples(),
            (name, first, rows) -> {
              if (chosen.test(name)) {
                for (int n = 0; n < rows.size(0); n++) {
                  sums[first + n] += rows.getDouble(n);
                }
              }
            });
    scale(new double[][] {sums}, Math.pow(results.normaliser(), 2));
    return sums;
  }

  /** By rows of the samples of a batch, for a matrix of few parameters. */
  private double[] selfByRows(Preconditioner by) {
    double[] self = new double[data.samples()];
    Block block = new Block(scores -> {});
    MultiDataSetIterator batches = data.pass();
    batches.reset();
    int next = 0;
    while (batches.hasNext()) {
      INDArray g = block.rows(batches.next());
      INDArray products = by.damped().solve(g).muli(g).sum(1);
      for (int n = 0; n < products.length(); n++) {
        self[next++] = products.getDouble(n);
      }
    }
    return self;
  }
}
