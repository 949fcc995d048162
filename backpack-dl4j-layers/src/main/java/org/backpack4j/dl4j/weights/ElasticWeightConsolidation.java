package org.backpack4j.dl4j.weights;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.backpack4j.dl4j.internal.train.Gradients;
import org.backpack4j.dl4j.internal.trained.BatchIterator;
import org.backpack4j.dl4j.internal.trained.TrainedModel;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.Extension;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;

/**
 * Elastic weight consolidation (Kirkpatrick et al., 2017): a listener that has a network learn a
 * new task without moving what an old one needs. The loss gets the penalty
 *
 * <pre>½ λ Σ F (θ − θ*)²</pre>
 *
 * <p>with θ* the parameters as they were when the old task had been learned, and F the diagonal of
 * the old task's Fisher matrix there, of the mean of the samples' losses:
 *
 * <pre>{@code
 * net.fit(first, epochs);
 * ElasticWeightConsolidation ewc = ElasticWeightConsolidation.of(net).strength(100).fit(first);
 * net.addListeners(ewc);
 * net.fit(second, epochs);
 * }</pre>
 *
 * <p>Each call of {@code fit} adds a task, so that the penalties of several add up. F is the exact
 * diagonal of the generalised Gauss-Newton matrix, which is the Fisher matrix of a likelihood,
 * unless {@link #fisher} chooses another. Parameters that are not trained, as in frozen layers,
 * have no penalty.
 *
 * <p>The listener adds λ F (θ − θ*) to the gradient before the updater, in {@code fit} and in
 * planned steps, in the scale of the mean over the batch. DL4J's score, and gradient clipping in
 * the updater's place, are as they are: the score does not have the penalty ({@link #penalty()}
 * tells it), the gradient that is clipped has it. Without the listener, training is what it was.
 *
 * <p>Of a SameDiff graph the penalty is a loss variable of the graph's own to add: its updater
 * comes before what a listener may change.
 */
public final class ElasticWeightConsolidation extends BaseTrainingListener {
  private final Model net;
  private final TrainedModel trained;
  private final List<Task> tasks = new ArrayList<>();
  private Extension fisher = new DiagGGNExact();
  private double strength = 1;

  /**
   * A task that was learned.
   *
   * @param strength λ
   * @param importance F by parameter, of the parameters' type
   * @param learned θ* by parameter
   */
  private record Task(
      double strength, Map<String, INDArray> importance, Map<String, INDArray> learned) {}

  private ElasticWeightConsolidation(Model net) {
    this.net = net;
    this.trained = TrainedModel.of(net);
  }

  /**
   * For a network.
   *
   * @param net the network
   * @return a listener without a task
   */
  public static ElasticWeightConsolidation of(MultiLayerNetwork net) {
    return new ElasticWeightConsolidation(net);
  }

  /**
   * For a network.
   *
   * @param net the network
   * @return a listener without a task
   */
  public static ElasticWeightConsolidation of(ComputationGraph net) {
    return new ElasticWeightConsolidation(net);
  }

  /**
   * Chooses λ for the tasks that are fitted from now on, 1 by default.
   *
   * @param lambda λ, 0 or above
   * @return this
   * @throws IllegalArgumentException if it is negative or not finite
   */
  public ElasticWeightConsolidation strength(double lambda) {
    if (!(lambda >= 0 && Double.isFinite(lambda))) {
      throw new IllegalArgumentException("strength(" + lambda + "): expected 0 or above.");
    }
    strength = lambda;
    return this;
  }

  /**
   * Chooses what F is for the tasks that are fitted from now on: {@code DiagGGNExact} by default,
   * {@code DiagGGNMC} for sampled labels, {@code SumGradSquared} for the empirical Fisher matrix.
   *
   * @param diagonal the quantity
   * @return this
   */
  public ElasticWeightConsolidation fisher(Extension diagonal) {
    fisher = diagonal;
    return this;
  }

  /**
   * Adds a task: the parameters that the network has now, and their importance on its data.
   *
   * @param task the task's data, gone over once, now
   * @return this
   * @throws IllegalArgumentException if the quantity is no diagonal
   * @throws org.backpack4j.samediff.dataset.BatchException if a batch cannot be used; of NaN it
   *     names the sample
   * @throws org.backpack4j.samediff.UnsupportedGraphException if the quantity cannot be had; it
   *     lists every reason
   */
  public ElasticWeightConsolidation fit(DataSetIterator task) {
    return fit(BatchIterator.of(task));
  }

  /**
   * The same with several inputs or outputs.
   *
   * @param task the task's data, gone over once, now
   * @return this
   * @throws IllegalArgumentException if the quantity is no diagonal
   * @throws org.backpack4j.samediff.dataset.BatchException if a batch cannot be used
   * @throws org.backpack4j.samediff.UnsupportedGraphException if the quantity cannot be had
   */
  public ElasticWeightConsolidation fit(MultiDataSetIterator task) {
    Diagonal diagonal = Diagonal.of(trained, fisher, task);
    Map<String, INDArray> importance = new LinkedHashMap<>();
    Map<String, INDArray> learned = new LinkedHashMap<>();
    diagonal
        .diagonal()
        .forEach(
            (name, f) -> {
              INDArray own = trained.array(name);
              if (f.minNumber().doubleValue() < 0) {
                throw new IllegalArgumentException(
                    "The importance of \"%s\" has negative entries, %.3g at least: a penalty needs a quantity that has none, such as DiagGGNExact."
                        .formatted(name, f.minNumber().doubleValue()));
              }
              learned.put(name, own.dup());
              importance.put(name, f.castTo(own.dataType()).dup(own.ordering()));
            });
    tasks.add(new Task(strength, importance, learned));
    return this;
  }

  /**
   * The tasks that were fitted.
   *
   * @return how many
   */
  public int tasks() {
    return tasks.size();
  }

  /**
   * The importance F of a parameter, Σ λ F over the tasks.
   *
   * @param parameter its name
   * @return an array of its shape
   * @throws IllegalArgumentException if no task has one
   */
  public INDArray importance(String parameter) {
    INDArray sum = null;
    for (Task task : tasks) {
      INDArray f = task.importance().get(parameter);
      if (f != null) {
        INDArray scaled = f.mul(task.strength());
        sum = sum == null ? scaled : sum.addi(scaled);
      }
    }
    if (sum == null) {
      throw new IllegalArgumentException(
          "\"" + parameter + "\" has no importance: no task was fitted, or it is not trained.");
    }
    return sum;
  }

  /**
   * The penalty of the parameters as they are now, which DL4J's score does not have.
   *
   * @return Σ ½ λ F (θ − θ*)² over the tasks
   */
  public double penalty() {
    double sum = 0;
    for (Task task : tasks) {
      for (Map.Entry<String, INDArray> entry : task.importance().entrySet()) {
        INDArray moved =
            trained
                .array(entry.getKey())
                .castTo(DataType.DOUBLE)
                .sub(learned(task, entry.getKey()).castTo(DataType.DOUBLE));
        INDArray f = entry.getValue().castTo(DataType.DOUBLE);
        sum += 0.5 * task.strength() * moved.muli(moved).muli(f).sumNumber().doubleValue();
      }
    }
    return sum;
  }

  private static INDArray learned(Task task, String name) {
    INDArray found = task.learned().get(name);
    if (found == null) {
      throw new IllegalStateException("\"" + name + "\" was not kept.");
    }
    return found;
  }

  /** Adds the penalty's gradient. */
  @Override
  public void onGradientCalculation(Model model) {
    if (model != net) {
      return;
    }
    // the gradient is a sum over the batch, which the updater divides
    double scale = model.conf().isMiniBatch() ? model.batchSize() : 1;
    for (Task task : tasks) {
      task.importance()
          .forEach(
              (name, f) -> {
                INDArray gradient = Gradients.of(model, name);
                if (gradient != null) {
                  INDArray pull = trained.array(name).sub(learned(task, name)).muli(f);
                  gradient.addi(pull.muli(scale * task.strength()));
                }
              });
    }
  }
}
