package org.backpack4j.dl4j.train;

import java.util.ArrayList;
import java.util.List;
import org.backpack4j.dl4j.Obstacle;
import org.backpack4j.dl4j.internal.NetworkConverter;
import org.backpack4j.dl4j.internal.train.PlannedPass;
import org.backpack4j.dl4j.internal.train.PlannedSolver;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.api.OptimizationAlgorithm;
import org.deeplearning4j.nn.conf.BackpropType;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.Solver;
import org.nd4j.linalg.dataset.api.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;

/**
 * Trains a network as its own {@code fit} does, with the forward and backward pass computed by a
 * planned execution of the network's graph:
 *
 * <pre>{@code
 * PlannedTraining.of(net).fit(iterator, epochs);
 * }</pre>
 *
 * <p>Everything but the pass is DL4J's own: the loop over batches and epochs, the updater with its
 * schedules, l1, l2, weight decay, gradient normalisation, the division by the batch's size,
 * constraints, counters, listeners. The parameters are those of {@code net.fit} up to rounding, and
 * so are the updater's state, the running averages of batch normalisation, and the state of ND4J's
 * random generator, by which dropout and noise are drawn. The network can go on with {@code
 * net.fit}, be saved and be evaluated at any time.
 *
 * <p>Of each shape of batches the first is computed by DL4J's own pass as well, which is compared:
 * gradient, score, running averages, random numbers. What cannot be taken over is refused with a
 * {@link PlannedTrainingException} that names it, either before anything begins ({@link #of}) or at
 * that batch, before any parameter is changed; {@code net.fit} remains. Refused are optimisers
 * other than stochastic gradient descent, truncated backpropagation through time, what a {@link
 * org.backpack4j.dl4j.BackPackListener} cannot convert, and layers whose gradient DL4J gets wrong.
 *
 * <p>The quantities of a {@link org.backpack4j.dl4j.BackPackListener} of the network come from the
 * same pass. Other listeners hear what they hear in {@code fit}; where one reads activations, they
 * are computed for it.
 *
 * <p>For one thread at a time. Graphs and their memory are kept from one call to the next, until
 * {@link #close}.
 */
public final class PlannedTraining implements AutoCloseable {
  private final Model net;
  private final PlannedPass pass = new PlannedPass();

  private PlannedTraining(Model net) {
    this.net = net;
  }

  /**
   * Planned steps for a network.
   *
   * @param net the network, which is initialised if it is not yet
   * @return what trains it
   * @throws PlannedTrainingException if the network's configuration says that it cannot be trained
   *     so; it lists every obstacle
   */
  public static PlannedTraining of(MultiLayerNetwork net) {
    net.init();
    return checked(net, net.getLayerWiseConfigurations().getBackpropType());
  }

  /**
   * Planned steps for a network.
   *
   * @param net the network, which is initialised if it is not yet
   * @return what trains it
   * @throws PlannedTrainingException if the network's configuration says that it cannot be trained
   *     so; it lists every obstacle
   */
  public static PlannedTraining of(ComputationGraph net) {
    net.init();
    return checked(net, net.getConfiguration().getBackpropType());
  }

  private static PlannedTraining checked(Model net, BackpropType backprop) {
    List<Obstacle> obstacles =
        new ArrayList<>(NetworkConverter.obstacles(net, false, NetworkConverter.converters()));
    OptimizationAlgorithm algorithm = net.conf().getOptimizationAlgo();
    if (algorithm != OptimizationAlgorithm.STOCHASTIC_GRADIENT_DESCENT) {
      obstacles.add(
          new Obstacle(
              "the network",
              "its optimisation algorithm is " + algorithm + ", which makes several passes a step",
              "use STOCHASTIC_GRADIENT_DESCENT, or train with net.fit(…)"));
    }
    if (backprop == BackpropType.TruncatedBPTT) {
      obstacles.add(
          new Obstacle(
              "the network",
              "it is trained by truncated backpropagation through time, where DL4J's gradient of"
                  + " recurrent layers is not that of their values",
              "use BackpropType.Standard, or train with net.fit(…)"));
    }
    if (!obstacles.isEmpty()) {
      throw new PlannedTrainingException(obstacles);
    }
    return new PlannedTraining(net);
  }

  /**
   * Trains on all batches of an iterator, a number of times.
   *
   * @param data the batches
   * @param epochs how many times, at least 1
   * @throws PlannedTrainingException if a batch cannot be trained so; its step is not made
   */
  public void fit(DataSetIterator data, int epochs) {
    during(
        () -> {
          if (net instanceof ComputationGraph graph) {
            graph.fit(data, epochs);
          } else {
            ((MultiLayerNetwork) net).fit(data, epochs);
          }
        });
  }

  /**
   * Trains on all batches of an iterator once.
   *
   * @param data the batches
   * @throws PlannedTrainingException if a batch cannot be trained so; its step is not made
   */
  public void fit(DataSetIterator data) {
    fit(data, 1);
  }

  /**
   * Trains on all batches of an iterator, a number of times.
   *
   * @param data the batches
   * @param epochs how many times, at least 1
   * @throws PlannedTrainingException if a batch cannot be trained so; its step is not made
   */
  public void fit(MultiDataSetIterator data, int epochs) {
    during(
        () -> {
          if (net instanceof ComputationGraph graph) {
            graph.fit(data, epochs);
          } else {
            ((MultiLayerNetwork) net).fit(data, epochs);
          }
        });
  }

  /**
   * Trains on all batches of an iterator once.
   *
   * @param data the batches
   * @throws PlannedTrainingException if a batch cannot be trained so; its step is not made
   */
  public void fit(MultiDataSetIterator data) {
    fit(data, 1);
  }

  /**
   * Makes one step.
   *
   * @param batch the batch
   * @throws PlannedTrainingException if the batch cannot be trained so; the step is not made
   */
  public void fit(DataSet batch) {
    during(
        () -> {
          if (net instanceof ComputationGraph graph) {
            graph.fit(batch);
          } else {
            ((MultiLayerNetwork) net).fit(batch);
          }
        });
  }

  /**
   * Makes one step.
   *
   * @param batch the batch
   * @throws PlannedTrainingException if the batch cannot be trained so; the step is not made
   */
  public void fit(MultiDataSet batch) {
    during(
        () -> {
          if (net instanceof ComputationGraph graph) {
            graph.fit(batch);
          } else {
            ((MultiLayerNetwork) net).fit(batch);
          }
        });
  }

  /**
   * Has every {@code fit} of the network make planned steps while something runs: DL4J's early
   * stopping, say, or a loop of one's own.
   *
   * <pre>{@code
   * training.during(() -> new EarlyStoppingTrainer(configuration, net, iterator).fit());
   * }</pre>
   *
   * @param work what runs
   * @throws IllegalStateException if planned steps of another object train the network at present
   */
  public void during(Runnable work) {
    synchronized (net) { // as fit itself is
      if (PlannedSolver.trains(net, pass)) {
        work.run();
        return;
      }
      PlannedSolver planned = PlannedSolver.install(net, ownSolver(), pass);
      try {
        work.run();
      } finally {
        planned.restore();
      }
    }
  }

  private Solver ownSolver() {
    if (PlannedSolver.trains(net)) {
      throw new IllegalStateException("The network trains by planned steps already.");
    }
    Solver own = PlannedSolver.of(net);
    if (own == null) {
      if (net instanceof ComputationGraph graph) {
        graph.getUpdater();
      } else {
        ((MultiLayerNetwork) net).getUpdater();
      }
      own = PlannedSolver.of(net);
    }
    if (own == null) {
      throw new IllegalStateException("This is not the DL4J that this was made for.");
    }
    return own;
  }

  /** Frees the memory that is kept between steps. A later step makes it again. */
  @Override
  public void close() {
    pass.close();
  }
}
