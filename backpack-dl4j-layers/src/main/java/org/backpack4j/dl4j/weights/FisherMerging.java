package org.backpack4j.dl4j.weights;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.backpack4j.dl4j.internal.trained.BatchIterator;
import org.backpack4j.dl4j.internal.trained.TrainedModel;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.internal.nd4j.GraphCopy;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Merges networks of the same architecture into one, each parameter weighted by its Fisher
 * information (Matena and Raffel, 2022):
 *
 * <pre>θ = Σ wᵢ Fᵢ θᵢ / Σ wᵢ Fᵢ</pre>
 *
 * <p>with Fᵢ the diagonal of model i's Fisher matrix on its own data, of the sum of the samples'
 * losses, and wᵢ a weight of the model, 1 by default:
 *
 * <pre>{@code
 * MultiLayerNetwork both = FisherMerging.of(first, second).fit(firstData, secondData).merge();
 * }</pre>
 *
 * <p>Where all Fᵢ of a parameter's entry are zero, and of parameters that are no loss's to train,
 * such as the running statistics of batch normalisation or what is frozen, it is the plain mean by
 * the weights wᵢ. The models are only read, and the merged one has a new updater.
 *
 * @param <M> the kind of the models
 */
public final class FisherMerging<M> {
  private final List<M> models;
  private final List<TrainedModel> trained;
  private final Function<Map<String, INDArray>, M> maker;
  private final List<Diagonal> diagonals = new ArrayList<>();
  private Extension fisher = new DiagGGNExact();
  private double[] weights;

  private FisherMerging(
      List<M> models,
      Function<M, TrainedModel> kind,
      Function<M, List<String>> layers,
      Function<Map<String, INDArray>, M> maker) {
    if (models.size() < 2) {
      throw new IllegalArgumentException(
          "There is nothing to merge: of(…) wants two models at least.");
    }
    this.models = models;
    this.trained = models.stream().map(kind).toList();
    this.maker = maker;
    this.weights = new double[models.size()];
    Arrays.fill(weights, 1);
    for (int k = 1; k < models.size(); k++) {
      same(k, layers.apply(models.get(0)), layers.apply(models.get(k)));
      same(k);
    }
  }

  /**
   * Merges networks.
   *
   * @param nets the networks, two at least
   * @return what merges them
   * @throws IllegalArgumentException if they are not of the same architecture; it names the first
   *     layer or parameter that differs
   */
  public static FisherMerging<MultiLayerNetwork> of(MultiLayerNetwork... nets) {
    List<MultiLayerNetwork> models = List.of(nets);
    return new FisherMerging<>(
        models,
        TrainedModel::of,
        net -> Arrays.stream(net.getLayers()).map(l -> kind(l.conf().getLayer())).toList(),
        merged -> {
          MultiLayerNetwork made =
              new MultiLayerNetwork(models.get(0).getLayerWiseConfigurations().clone());
          made.init();
          merged.forEach((name, array) -> made.getParam(name).assign(array));
          return made;
        });
  }

  /**
   * Merges networks.
   *
   * @param nets the networks, two at least
   * @return what merges them
   * @throws IllegalArgumentException if they are not of the same architecture; it names the first
   *     layer or parameter that differs
   */
  public static FisherMerging<ComputationGraph> of(ComputationGraph... nets) {
    List<ComputationGraph> models = List.of(nets);
    return new FisherMerging<>(
        models,
        TrainedModel::of,
        net ->
            net.getConfiguration().getVertices().entrySet().stream()
                .map(e -> e.getKey() + " " + e.getValue().getClass().getSimpleName())
                .sorted()
                .toList(),
        merged -> {
          ComputationGraph made = new ComputationGraph(models.get(0).getConfiguration().clone());
          made.init();
          merged.forEach((name, array) -> made.getParam(name).assign(array));
          return made;
        });
  }

  /**
   * Merges SameDiff graphs. The merged one has the ops, constants, losses and training
   * configuration of the first.
   *
   * @param graphs the graphs, two at least, with a training configuration
   * @return what merges them
   * @throws IllegalArgumentException if they have not the same variables; it names the first that
   *     differs
   */
  public static FisherMerging<SameDiff> of(SameDiff... graphs) {
    List<SameDiff> models = List.of(graphs);
    return new FisherMerging<>(
        models,
        TrainedModel::of,
        sd -> Arrays.stream(sd.ops()).map(op -> op.getOwnName() + " " + op.opName()).toList(),
        merged -> {
          SameDiff made = GraphCopy.of(models.get(0));
          merged.forEach((name, array) -> made.setArrayForVariable(name, array));
          if (models.get(0).getTrainingConfig() != null) {
            made.setTrainingConfig(models.get(0).getTrainingConfig());
          }
          return made;
        });
  }

  private static String kind(Object layer) {
    return layer.getClass().getSimpleName();
  }

  private void same(int model, List<String> first, List<String> other) {
    for (int k = 0; k < Math.max(first.size(), other.size()); k++) {
      String a = k < first.size() ? first.get(k) : "nothing";
      String b = k < other.size() ? other.get(k) : "nothing";
      if (!a.equals(b)) {
        throw new IllegalArgumentException(
            "Model %d is of another architecture: where the first has %s it has %s."
                .formatted(model + 1, a, b));
      }
    }
  }

  private void same(int model) {
    Map<String, INDArray> first = trained.get(0).arrays();
    Map<String, INDArray> other = trained.get(model).arrays();
    first.forEach(
        (name, array) -> {
          INDArray own = other.get(name);
          if (own == null || !Arrays.equals(own.shape(), array.shape())) {
            throw new IllegalArgumentException(
                "Model %d is of another architecture: its parameter \"%s\" is %s, that of the first %s."
                    .formatted(
                        model + 1,
                        name,
                        own == null ? "not there" : Arrays.toString(own.shape()),
                        Arrays.toString(array.shape())));
          }
        });
    if (other.size() > first.size()) {
      List<String> more = new ArrayList<>(other.keySet());
      more.removeAll(first.keySet());
      throw new IllegalArgumentException(
          "Model %d is of another architecture: it has the parameters %s, which the first has not."
              .formatted(model + 1, more));
    }
  }

  /**
   * Chooses what F is: {@code DiagGGNExact} by default, {@code DiagGGNMC} for sampled labels,
   * {@code SumGradSquared} for the empirical Fisher matrix. To be called before {@code fit}.
   *
   * @param diagonal the quantity
   * @return this
   */
  public FisherMerging<M> fisher(Extension diagonal) {
    fisher = diagonal;
    return this;
  }

  /**
   * Chooses the models' weights, 1 each by default.
   *
   * @param factors a number above 0 for each model
   * @return this
   * @throws IllegalArgumentException if there are more or fewer, or one is not above 0
   */
  public FisherMerging<M> weights(double... factors) {
    if (factors.length != models.size()
        || !Arrays.stream(factors).allMatch(w -> w > 0 && Double.isFinite(w))) {
      throw new IllegalArgumentException(
          "weights(%s): expected a number above 0 for each of %d models."
              .formatted(Arrays.toString(factors), models.size()));
    }
    weights = factors.clone();
    return this;
  }

  /**
   * Computes each model's Fisher information.
   *
   * @param data for each model its data, each gone over once, now
   * @return this
   * @throws IllegalArgumentException if there are more or fewer data sets than models, or the
   *     quantity is no diagonal
   * @throws org.backpack4j.samediff.dataset.BatchException if a batch cannot be used; of NaN it
   *     names the sample
   * @throws org.backpack4j.samediff.UnsupportedGraphException if the quantity cannot be had; it
   *     lists every reason
   */
  public FisherMerging<M> fit(DataSetIterator... data) {
    return fit(Arrays.stream(data).map(BatchIterator::of).toArray(MultiDataSetIterator[]::new));
  }

  /**
   * The same with several inputs or outputs.
   *
   * @param data for each model its data, each gone over once, now
   * @return this
   * @throws IllegalArgumentException if there are more or fewer data sets than models, or the
   *     quantity is no diagonal
   * @throws org.backpack4j.samediff.dataset.BatchException if a batch cannot be used
   * @throws org.backpack4j.samediff.UnsupportedGraphException if the quantity cannot be had
   */
  public FisherMerging<M> fit(MultiDataSetIterator... data) {
    if (data.length != models.size()) {
      throw new IllegalArgumentException(
          "There are %d data sets for %d models: one is needed for each."
              .formatted(data.length, models.size()));
    }
    List<Diagonal> all = new ArrayList<>();
    for (int k = 0; k < data.length; k++) {
      all.add(Diagonal.of(trained.get(k), fisher, data[k]));
    }
    diagonals.clear();
    diagonals.addAll(all);
    return this;
  }

  /**
   * The merged parameters.
   *
   * @return by name, in double precision
   * @throws IllegalStateException if {@code fit} was not called
   */
  public Map<String, INDArray> parameters() {
    if (diagonals.isEmpty()) {
      throw new IllegalStateException("The Fisher information is not known: call fit(…) first.");
    }
    Map<String, INDArray> merged = new LinkedHashMap<>();
    trained.get(0).arrays().keySet().forEach(name -> merged.put(name, merged(name)));
    return merged;
  }

  private INDArray merged(String name) {
    double[][] values = new double[models.size()][];
    double[][] information = new double[models.size()][];
    for (int k = 0; k < values.length; k++) {
      values[k] = doubles(trained.get(k).array(name));
      INDArray f = diagonals.get(k).diagonal().get(name);
      information[k] =
          f == null ? new double[values[k].length] : doubles(f.mul(diagonals.get(k).samples()));
    }
    double[] merged = new double[values[0].length];
    for (int j = 0; j < merged.length; j++) {
      double above = 0;
      double below = 0;
      double plain = 0;
      double all = 0;
      for (int k = 0; k < values.length; k++) {
        if (information[k][j] < 0) {
          throw new IllegalArgumentException(
              "The information of \"%s\" has negative entries: take a quantity that has none, such as DiagGGNExact."
                  .formatted(name));
        }
        above += weights[k] * information[k][j] * values[k][j];
        below += weights[k] * information[k][j];
        plain += weights[k] * values[k][j];
        all += weights[k];
      }
      merged[j] = below > 0 ? above / below : plain / all;
    }
    return Nd4j.create(merged, trained.get(0).array(name).shape(), 'c');
  }

  private static double[] doubles(INDArray array) {
    return array.castTo(DataType.DOUBLE).dup('c').data().asDouble();
  }

  /**
   * The merged model.
   *
   * @return a new model
   * @throws IllegalStateException if {@code fit} was not called
   */
  public M merge() {
    Map<String, INDArray> typed = new LinkedHashMap<>();
    parameters()
        .forEach(
            (name, array) -> typed.put(name, array.castTo(trained.get(0).array(name).dataType())));
    return maker.apply(typed);
  }
}
