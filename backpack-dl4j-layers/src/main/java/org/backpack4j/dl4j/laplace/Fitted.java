package org.backpack4j.dl4j.laplace;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.backpack4j.dl4j.internal.trained.OutputLoss;
import org.backpack4j.dl4j.internal.trained.TrainedModel;
import org.backpack4j.samediff.curvature.Curvature;
import org.backpack4j.samediff.curvature.ParameterLayout;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * What fitting has found.
 *
 * @param gathering how H is gathered
 * @param gathered what H is made of
 * @param kind of the likelihood
 * @param curvature H
 * @param theta θ in H's layout
 * @param shapes of a batch
 * @param digest of all of the network's parameters
 */
record Fitted(
    Gathering gathering,
    Gathering.Gathered gathered,
    OutputLoss.Kind kind,
    Curvature curvature,
    INDArray theta,
    TrainedModel.Shapes shapes,
    String digest) {

  /** What was gathered of a model as it is now. */
  static Fitted of(
      Gathering gathering,
      Gathering.Gathered gathered,
      OutputLoss.Kind kind,
      TrainedModel.Shapes shapes,
      String digest) {
    Curvature curvature = gathering.curvature(gathered);
    INDArray theta = theta(gathering.model(), curvature.layout());
    return new Fitted(gathering, gathered, kind, curvature, theta, shapes, digest);
  }

  private static INDArray theta(TrainedModel model, ParameterLayout layout) {
    Map<String, INDArray> values = new LinkedHashMap<>();
    for (String p : layout.names()) {
      values.put(p, model.array(p).castTo(DataType.DOUBLE).dup('c').reshape('c', layout.shape(p)));
    }
    return layout.join(values);
  }

  /** The same with other data beside those before. */
  Fitted with(Data data) {
    data.first();
    Gathering.Gathered all = gathering.more(data, gathered);
    return new Fitted(gathering, all, kind, gathering.curvature(all), theta, shapes, digest);
  }

  /**
   * Refuses a model that has been trained since.
   *
   * @return this
   */
  Fitted unchanged() {
    if (!digest.equals(model().digest())) {
      throw new IllegalStateException(
          "The network's parameters have changed since fit(…): the approximation is around others."
              + " Fit again.");
    }
    return this;
  }

  TrainedModel model() {
    return gathering.model();
  }

  ParameterLayout layout() {
    return curvature.layout();
  }

  Sums sums() {
    return gathered.sums();
  }

  boolean regression() {
    return kind == OutputLoss.Kind.SQUARED;
  }

  /** The mean squared error of a regression. */
  double noise() {
    if (sums().squaredError <= 0) {
      throw new IllegalStateException(
          "The network's predictions are the labels themselves, so that no noise can be fitted: set"
              + " it by noise(…).");
    }
    return sums().squaredError / sums().terms;
  }

  /**
   * The parameters that share a precision.
   *
   * @param perLayer whether those of a layer do, not all
   */
  List<List<String>> groups(boolean perLayer) {
    if (!perLayer) {
      return List.of(layout().names());
    }
    Map<String, List<String>> byLayer = new LinkedHashMap<>();
    for (String p : layout().names()) {
      byLayer.computeIfAbsent(model().owner(p), layer -> new ArrayList<>()).add(p);
    }
    return List.copyOf(byLayer.values());
  }

  Evidence evidence(List<List<String>> groups) {
    return new Evidence(curvature, sums(), regression(), groups, theta);
  }
}
