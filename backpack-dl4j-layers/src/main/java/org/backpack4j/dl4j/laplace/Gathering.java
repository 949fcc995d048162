package org.backpack4j.dl4j.laplace;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.backpack4j.dl4j.internal.trained.FedGraphs;
import org.backpack4j.dl4j.internal.trained.OpenGraphs;
import org.backpack4j.dl4j.internal.trained.TrainedModel;
import org.backpack4j.samediff.curvature.Curvature;
import org.backpack4j.samediff.curvature.LinearOperator;
import org.backpack4j.samediff.curvature.ParameterLayout;
import org.backpack4j.samediff.dataset.BatchGraphs.GraphBatch;
import org.backpack4j.samediff.dataset.DataSetOperator;
import org.backpack4j.samediff.dataset.DataSetQuantities;
import org.backpack4j.samediff.dataset.DataSetResults;
import org.backpack4j.samediff.extension.Columns;
import org.backpack4j.samediff.extension.EKFAC;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.extension.GGNProduct;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Gathers curvature of the negative log-likelihood over data.
 *
 * @param parameters the parameters that it is of
 * @param scale the factor of the loss, as a sum over samples, in front of −ln p
 */
record Gathering(
    TrainedModel model, List<String> parameters, Form form, Columns columns, double scale) {
  /** So many parameters have a whole matrix: 800 MB. */
  static final long LARGEST = 10_000;

  private static final String FULL = "ggn";
  private static final int AT_ONCE = 64;

  /**
   * What was gathered.
   *
   * @param basis the factors whose eigenvectors eigenvalues are corrected for; those of the form
   *     themselves otherwise
   * @param sums what goes over the data
   */
  record Gathered(Sums basis, Sums sums) {}

  Gathered over(Data data) {
    Sums first = pass(data, form.extension(columns), Map.of());
    if (form == Form.EKFAC) {
      return new Gathered(first, corrected(data, first, first));
    }
    if (form == Form.FULL) {
      whole(data, first);
    }
    return new Gathered(first, first);
  }

  /** Data beside those that were gathered before. */
  Gathered more(Data data, Gathered before) {
    Sums added;
    if (form == Form.EKFAC) {
      added = pass(data, new EKFAC(columns), eigenvectors(before.basis()));
    } else {
      added = over(data).sums();
    }
    Sums all = before.sums().plus(added, extensions());
    return new Gathered(form == Form.EKFAC ? before.basis() : all, all);
  }

  private List<Extension> extensions() {
    return List.of(form.extension(columns), new EKFAC(columns));
  }

  /** H. */
  Curvature curvature(Gathered gathered) {
    Sums basis = gathered.basis();
    if (form == Form.FULL) {
      ParameterLayout layout = ParameterLayout.of(basis.results(extensions()));
      INDArray whole = Objects.requireNonNull(gathered.sums().outputs.get(FULL));
      return Curvature.builder(layout).dense(layout.names(), whole).build();
    }
    Extension extension = form.extension(columns);
    Curvature factors = Curvature.of(basis.results(extensions()), extension);
    return form == Form.EKFAC
        ? factors.withEigenvalues(gathered.sums().results(extensions()), new EKFAC(columns))
        : factors;
  }

  private Map<String, INDArray> eigenvectors(Sums basis) {
    Extension extension = form.extension(columns);
    return Curvature.of(basis.results(extensions()), extension).eigenvectors(new EKFAC(columns));
  }

  private Sums corrected(Data data, Sums basis, Sums before) {
    Sums sums = pass(data, new EKFAC(columns), eigenvectors(basis));
    same(before.samples, sums.samples, "samples");
    same(before.logLikelihood, sums.logLikelihood, "log-likelihoods");
    same(before.squaredError, sums.squaredError, "squared errors");
    return sums;
  }

  private static void same(double first, double second, String what) {
    if (Math.abs(first - second) > 1e-4 * (1e-6 + Math.abs(first))) {
      throw new IllegalArgumentException(
          "Two passes over the iterator saw different data: "
              + what
              + " of "
              + first
              + " and "
              + second
              + ". It augments or drops samples: give each pass the same ones. Their order is"
              + " free.");
    }
  }

  private Sums pass(Data data, Extension extension, Map<String, INDArray> fixed) {
    Sums sums = new Sums();
    sums.scale = scale;
    try (OpenGraphs graphs = model.open(parameters, extension)) {
      FedGraphs observed =
          new FedGraphs(
              graphs,
              fixed,
              (given, batch) -> {
                observe(sums, batch);
                return Map.of();
              });
      DataSetResults results = DataSetQuantities.of(observed).over(data.iterator());
      sums.samples = results.samples();
      sums.put(results.quantities(), extensions(), results.normaliser());
      for (String name : sums.outputs.keySet()) { // which axes of weights are their outputs'
        observed.last().outputAxes(name).ifPresent(axes -> sums.axes.put(name, axes));
      }
    }
    if (sums.terms == 0) {
      throw new IllegalArgumentException(
          "No label of the data counts: each is masked or has a weight of zero.");
    }
    return sums;
  }

  /** The whole matrix, from its products with unit vectors. */
  private void whole(Data data, Sums sums) {
    ParameterLayout layout = ParameterLayout.of(sums.results(extensions()));
    long d = layout.size();
    if (d > LARGEST) {
      throw new IllegalArgumentException(
          "full() is for up to "
              + LARGEST
              + " parameters, and these are "
              + d
              + ": choose kron(), or fewer parameters by layers(…).");
    }
    GGNProduct products = new GGNProduct((int) Math.min(d, AT_ONCE));
    try (OpenGraphs graphs = model.open(parameters, products)) {
      LinearOperator operator = DataSetOperator.of(graphs, products, data.iterator());
      if (!operator.layout().equals(layout)) {
        throw new IllegalStateException(operator.layout() + " is not " + layout);
      }
      INDArray columns = operator.times(Nd4j.eye(d).castTo(DataType.DOUBLE));
      INDArray diagonal =
          Curvature.of(sums.results(extensions()), form.extension(this.columns)).diagonal();
      INDArray whole = columns.add(columns.transpose()).muli(0.5);
      whole.muli(sums.factor);
      same(
          diagonal.sumNumber().doubleValue(),
          Nd4j.diag(whole).sumNumber().doubleValue(),
          "traces of the curvature");
      sums.outputs.put(FULL, whole);
    }
  }

  /** Looks at a batch's predictions and labels before its quantities are gathered. */
  private static void observe(Sums sums, GraphBatch batch) {
    if (batch.graph().samples(batch.feeds()) > 0) {
      Likelihood likelihood = Likelihood.of(batch.graph());
      sums.add(
          likelihood,
          likelihood.observe(batch.graph().output(batch.feeds(), likelihood.loss().variables())));
    }
  }
}
