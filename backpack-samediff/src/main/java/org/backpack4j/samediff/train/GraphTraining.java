package org.backpack4j.samediff.train;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.QuantityResults;
import org.backpack4j.samediff.extension.Extension;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.listeners.At;
import org.nd4j.autodiff.listeners.Listener;
import org.nd4j.autodiff.listeners.Loss;
import org.nd4j.autodiff.listeners.Operation;
import org.nd4j.autodiff.listeners.records.History;
import org.nd4j.autodiff.listeners.records.LossCurve;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.TrainingConfig;
import org.nd4j.linalg.dataset.AsyncMultiDataSetIterator;
import org.nd4j.linalg.dataset.adapter.MultiDataSetIteratorAdapter;
import org.nd4j.linalg.dataset.adapter.SingletonMultiDataSetIterator;
import org.nd4j.linalg.dataset.api.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;

/**
 * Trains a SameDiff graph as its own {@code fit} does, with the forward and backward pass computed
 * by the planned execution, and with quantities from the same pass:
 *
 * <pre>{@code
 * try (GraphTraining training = GraphTraining.of(sd, new BatchL2Grad())) {
 *   training.quantities((at, results) -> …).fit(iterator, epochs);
 * }
 * }</pre>
 *
 * <p>Training configuration, updaters with their state and schedules, regularisation, counters,
 * parameters and listeners are the graph's own, so that {@code sd.fit} can go on at any time, and
 * the graph be saved with its updaters. With the same batches the parameters are those of {@code
 * sd.fit} up to rounding, where M2.1's gradients are right. All gradients are computed before any
 * parameter changes; {@code sd.fit} changes each as soon as its gradient is there.
 *
 * <p>Listeners are called as in {@code sd.fit}, and activations that one asks for are computed for
 * it. One that hears each op is refused, since a planned execution has other ops.
 *
 * <p>Not for several threads at once.
 */
public final class GraphTraining implements AutoCloseable {
  private final SameDiff graph;
  private final ExtendedGraph extended;
  private final Step step;
  private final List<Listener> listeners = new ArrayList<>();
  private final int ops;
  private final List<String> losses;
  private @Nullable MultiDataSetIterator validation;
  private int validationFrequency = 1;

  /** Takes the quantities of each step. */
  @FunctionalInterface
  public interface StepQuantities {
    /**
     * Takes the quantities of a step, before the parameters change.
     *
     * @param at the epoch and iteration
     * @param results the quantities; the arrays are the taker's
     */
    void accept(At at, QuantityResults results);
  }

  private GraphTraining(SameDiff graph, ExtendedGraph extended) {
    this.graph = graph;
    this.extended = extended;
    this.step = new Step(graph, extended);
    this.ops = graph.ops().length;
    this.losses = List.copyOf(graph.getLossVariables());
  }

  /**
   * Planned steps for a graph.
   *
   * @param graph a graph with loss variables and a training configuration; ops that are added to it
   *     later are not in the steps
   * @param extensions quantities that come from the same pass
   * @return what trains it
   * @throws IllegalArgumentException if the graph has no training configuration
   * @throws org.backpack4j.samediff.UnsupportedGraphException if a gradient or a quantity cannot be
   *     had, of random ops for instance; it lists every reason
   */
  public static GraphTraining of(SameDiff graph, Extension... extensions) {
    if (graph.getTrainingConfig() == null) {
      throw new IllegalArgumentException(
          "The graph has no training configuration: call setTrainingConfig(…) before.");
    }
    return new GraphTraining(graph, BackPack.extend(graph, extensions));
  }

  /**
   * Says who takes the quantities of each step.
   *
   * @param taker is called in each step before the parameters change; what it throws ends the
   *     training, and that step is not made
   * @return this
   */
  public GraphTraining quantities(StepQuantities taker) {
    step.taker = taker;
    return this;
  }

  /**
   * Adds listeners to those of the graph.
   *
   * @param added listeners of the training
   * @return this
   * @throws IllegalArgumentException if one hears each op
   */
  public GraphTraining listeners(Listener... added) {
    Arrays.stream(added).forEach(Heard::check);
    listeners.addAll(Arrays.asList(added));
    return this;
  }

  /**
   * Validates at the end of epochs, by the training configuration's validation evaluations.
   *
   * @param data the data
   * @param frequency 1 for every epoch, 2 for every other
   * @return this
   */
  public GraphTraining validate(MultiDataSetIterator data, int frequency) {
    validation = data;
    validationFrequency = frequency;
    return this;
  }

  /**
   * Validates at the end of epochs, by the training configuration's validation evaluations.
   *
   * @param data the data
   * @param frequency 1 for every epoch, 2 for every other
   * @return this
   */
  public GraphTraining validate(DataSetIterator data, int frequency) {
    return validate(new MultiDataSetIteratorAdapter(data), frequency);
  }

  /**
   * Trains on all batches of an iterator, a number of times.
   *
   * @param data the batches
   * @param epochs how many times, at least 1
   * @return losses and evaluations, as of {@code sd.fit}
   * @throws IllegalArgumentException if a batch does not fit the graph; its step is not made
   * @throws IllegalStateException if ops or losses of the graph have changed since {@link #of}
   */
  public History fit(DataSetIterator data, int epochs) {
    return fit(new MultiDataSetIteratorAdapter(data), epochs);
  }

  /**
   * Trains on all batches of an iterator, a number of times.
   *
   * @param data the batches
   * @param epochs how many times, at least 1
   * @return losses and evaluations, as of {@code sd.fit}
   * @throws IllegalArgumentException if a batch does not fit the graph; its step is not made
   * @throws IllegalStateException if ops or losses of the graph have changed since {@link #of}
   */
  public History fit(MultiDataSetIterator data, int epochs) {
    return fit(data, epochs, true);
  }

  /**
   * Makes one step, which counts as an iteration and not as an epoch.
   *
   * @param batch the batch
   * @return what {@code sd.fit} answers for one batch
   * @throws IllegalArgumentException if the batch does not fit the graph; the step is not made
   * @throws IllegalStateException if ops or losses of the graph have changed since {@link #of}
   */
  public History fit(DataSet batch) {
    return fit(batch.toMultiDataSet());
  }

  /**
   * Makes one step, which counts as an iteration and not as an epoch.
   *
   * @param batch the batch
   * @return what {@code sd.fit} answers for one batch
   * @throws IllegalArgumentException if the batch does not fit the graph; the step is not made
   * @throws IllegalStateException if ops or losses of the graph have changed since {@link #of}
   */
  public History fit(MultiDataSet batch) {
    return fit(new SingletonMultiDataSetIterator(batch), 1, false);
  }

  private History fit(MultiDataSetIterator data, int epochs, boolean counted) {
    if (epochs < 1) {
      throw new IllegalArgumentException("A training of " + epochs + " epochs is none.");
    }
    if (epochs > 1 && !data.resetSupported()) {
      throw new IllegalArgumentException(
          "The iterator cannot be reset, so it has batches for one epoch, not for " + epochs + ".");
    }
    checkSame();
    MultiDataSetIterator batches =
        data.asyncSupported() ? new AsyncMultiDataSetIterator(data, 3, true) : data;
    try {
      return new Run(new Heard(graph, listeners)).over(batches, epochs, counted);
    } finally {
      if (batches instanceof AsyncMultiDataSetIterator prefetching) {
        prefetching.shutdown();
      }
    }
  }

  private void checkSame() {
    if (graph.ops().length != ops || !graph.getLossVariables().equals(losses)) {
      throw new IllegalStateException(
          "Ops or loss variables of the graph have changed: make a new GraphTraining.of(graph).");
    }
  }

  /** Frees the memory that is kept between steps. */
  @Override
  public void close() {
    extended.close();
  }

  /** One call of {@code fit}. */
  private final class Run {
    private final Heard heard;
    private final TrainingConfig config = graph.getTrainingConfig();
    private final At at =
        At.builder()
            .epoch(config.getEpochCount())
            .iteration(config.getIterationCount())
            .javaThreadNum(Thread.currentThread().getId())
            .operation(Operation.TRAINING)
            .build();
    private @Nullable LossCurve curve;

    Run(Heard heard) {
      this.heard = heard;
    }

    History over(MultiDataSetIterator batches, int epochs, boolean counted) {
      if (!batches.hasNext() && batches.resetSupported()) {
        batches.reset();
      }
      heard.operationStart(Operation.TRAINING);
      for (int epoch = 0; epoch < epochs; epoch++) {
        if (counted) {
          at.setEpoch(config.getEpochCount());
          heard.epochStart(at);
        }
        long begun = System.currentTimeMillis();
        @Nullable Loss mean = steps(batches);
        if (counted) {
          boolean last = epoch == epochs - 1;
          boolean goesOn = epochEnd(mean, System.currentTimeMillis() - begun);
          if (goesOn && validation != null && isValidated(epoch)) {
            long start = System.currentTimeMillis();
            heard.validate(extended, validation, at.epoch());
            goesOn = heard.validationDone(at, System.currentTimeMillis() - start);
          }
          config.incrementEpochCount();
          if (!goesOn && !last) {
            batches.reset();
            break;
          }
        }
        if (epoch < epochs - 1) {
          batches.reset();
        }
      }
      heard.operationEnd(Operation.TRAINING);
      return heard.report();
    }

    private boolean isValidated(int epoch) {
      return validationFrequency <= 0 || epoch % validationFrequency == 0;
    }

    /** The steps of an epoch; answers their mean loss, null if there was no batch. */
    private @Nullable Loss steps(MultiDataSetIterator batches) {
      Map<String, Double> sums = new LinkedHashMap<>();
      int count = 0;
      while (batches.hasNext()) {
        long asked = System.currentTimeMillis();
        MultiDataSet batch = batches.next();
        at.setIteration(config.getIterationCount());
        heard.iterationStart(at, batch, System.currentTimeMillis() - asked);
        Loss loss = step.make(batch, at, heard);
        heard.iterationDone(at, batch, loss);
        for (int k = 0; k < loss.getLosses().length; k++) {
          sums.merge(loss.getLossNames().get(k), loss.getLosses()[k], Double::sum);
        }
        count++;
        config.incrementIterationCount();
      }
      if (count == 0) {
        return null;
      }
      int steps = count;
      return new Loss(
          new ArrayList<>(sums.keySet()),
          sums.values().stream().mapToDouble(sum -> sum / steps).toArray());
    }

    private boolean epochEnd(@Nullable Loss mean, long milliseconds) {
      if (mean == null) {
        throw new IllegalArgumentException("The iterator has no batch: there is no epoch.");
      }
      curve =
          curve == null
              ? new LossCurve(mean.getLosses(), mean.getLossNames())
              : curve.addLossAndCopy(mean.getLosses(), mean.getLossNames());
      return heard.epochEnd(at, curve, milliseconds);
    }
  }
}
