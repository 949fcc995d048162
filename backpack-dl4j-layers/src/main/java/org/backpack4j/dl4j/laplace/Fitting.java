package org.backpack4j.dl4j.laplace;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.backpack4j.dl4j.internal.trained.OpenGraphs;
import org.backpack4j.dl4j.internal.trained.OutputLoss;
import org.backpack4j.dl4j.internal.trained.TrainedModel;
import org.backpack4j.samediff.dataset.BatchGraphs.GraphBatch;
import org.backpack4j.samediff.dataset.BatchWeights;
import org.backpack4j.samediff.extension.Jacobian;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/**
 * Finds out what an approximation is of, and gathers it over the training data.
 *
 * @param model the model, with the loss of one output
 */
record Fitting(TrainedModel model, Choices choices) {
  Fitted fit(Data data) {
    if (choices.form == Form.FULL && choices.columns.random()) {
      throw new IllegalArgumentException("full() is exact: leave sampled(…) away.");
    }
    MultiDataSet first = data.first();
    Located located = locate(first);
    Gathering gathering =
        new Gathering(model, located.chosen(), choices.form, choices.columns, located.scale());
    return Fitted.of(
        gathering,
        gathering.over(data),
        located.kind(),
        TrainedModel.Shapes.of(first),
        model.digest());
  }

  private record Located(List<String> chosen, OutputLoss.Kind kind, double scale) {}

  /** Which parameters it is of, and what the predictions come out of. */
  private Located locate(MultiDataSet batch) {
    List<String> all;
    Optional<Head> head;
    Likelihood likelihood;
    try (OpenGraphs some = model.open(List.of(), new Jacobian())) {
      GraphBatch fed = some.of(batch);
      all = fed.graph().parameters();
      likelihood = Likelihood.of(fed.graph());
      head = Head.of(fed.graph(), fed.feeds());
    }
    List<String> chosen =
        choices.lastLayer ? ofLast(head, all) : model.parameters(choices.layers, all);
    return new Located(chosen, likelihood.kind(), scale(chosen, likelihood, batch));
  }

  private static List<String> ofLast(Optional<Head> found, List<String> all) {
    Head head = found.filter(h -> all.contains(h.weight())).orElse(null);
    if (head == null) {
      throw new IllegalArgumentException(
          "lastLayer() needs a dense layer with trained parameters right in front of the loss,"
              + " which was not found: name layers or parameters by layers(…). Trained"
              + " parameters are "
              + all
              + ".");
    }
    return all.stream().filter(p -> p.equals(head.weight()) || p.equals(head.bias())).toList();
  }

  /** The factor of the loss, as a sum over samples, in front of −ln p. */
  private double scale(List<String> parameters, Likelihood likelihood, MultiDataSet batch) {
    String z = likelihood.loss().predictions();
    try (OpenGraphs some = model.open(parameters, z)) {
      GraphBatch fed = some.of(batch);
      BatchWeights weights = fed.graph().batchWeights();
      List<String> names = new ArrayList<>(likelihood.loss().variables());
      names.add(z + ".grad");
      names.addAll(weights.variables());
      Map<String, INDArray> values = fed.graph().output(fed.feeds(), new LinkedHashSet<>(names));
      INDArray gradient = OutputLoss.rows(Objects.requireNonNull(values.get(z + ".grad")));
      double factor = likelihood.factor(likelihood.observe(values), gradient);
      return factor * weights.data(fed.graph().samples(fed.feeds()), values);
    }
  }
}
