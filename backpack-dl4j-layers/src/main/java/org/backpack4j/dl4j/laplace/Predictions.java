package org.backpack4j.dl4j.laplace;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.backpack4j.dl4j.internal.trained.OpenGraphs;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;

/** Predictions of a posterior, with the links that are chosen at each call. */
final class Predictions {
  private final Posterior posterior;
  private final Fitted fitted;
  private final Choices choices;
  private final Variances variances;

  /**
   * Predictions.
   *
   * @param graphs graphs with the Jacobian of the fitted parameters
   */
  Predictions(Posterior posterior, OpenGraphs graphs, Choices choices) {
    this.posterior = posterior;
    this.fitted = posterior.fitted();
    this.choices = choices;
    this.variances = new Variances(graphs, posterior.blocks(), choices.budget);
  }

  private Predictor predictor() {
    INDArray vectors =
        choices.link == Link.SAMPLED && !fitted.regression()
            ? posterior.vectors(choices.draws, choices.seed)
            : null;
    return new Predictor(variances, fitted.kind(), choices.link, fitted.layout(), vectors);
  }

  Prediction predict(INDArray[] features, INDArray @Nullable [] masks) {
    MultiDataSet batch = fitted.model().unlabelled(features, masks, fitted.shapes());
    List<Predictor.Rows> parts = new ArrayList<>();
    predictor().each(batch, (part, p) -> parts.add(new Predictor.Rows(part, p)));
    long samples = features[0].size(0);
    long[] shape = parts.get(0).shape(samples);
    return new Prediction(
        fitted.regression()
            ? null
            : laidOut(parts.stream().map(Predictor.Rows::probabilities).toList(), shape, samples),
        laidOut(parts.stream().map(p -> p.part().means()).toList(), shape, samples),
        laidOut(parts.stream().map(p -> p.part().variances()).toList(), shape, samples),
        fitted.regression() ? posterior.sigma() : null);
  }

  private INDArray laidOut(List<@Nullable INDArray> rows, long[] shape, long samples) {
    return fitted.model().laidOut(joined(rows), shape, samples);
  }

  private static INDArray joined(List<@Nullable INDArray> parts) {
    List<INDArray> all = parts.stream().map(Objects::requireNonNull).toList();
    return all.size() == 1 ? all.get(0) : Nd4j.concat(0, all.toArray(new INDArray[0]));
  }

  INDArray covariances(INDArray[] features) {
    MultiDataSet batch = fitted.model().unlabelled(features, null, fitted.shapes());
    List<@Nullable INDArray> parts = new ArrayList<>();
    variances.each(batch, Variances.Detail.MATRICES, part -> parts.add(part.more()));
    return joined(parts);
  }

  /** The negative log-likelihood of labels. */
  double loss(Data data) {
    Predictor predictor = predictor();
    double[] sum = new double[1];
    data.each(batch -> sum[0] += predictor.negativeLog(batch, posterior.sigma()));
    return sum[0];
  }
}
