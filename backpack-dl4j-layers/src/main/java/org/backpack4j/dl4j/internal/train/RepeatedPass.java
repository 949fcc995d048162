package org.backpack4j.dl4j.internal.train;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Predicate;
import org.backpack4j.dl4j.Scale;
import org.backpack4j.dl4j.internal.NetworkConverter;
import org.backpack4j.dl4j.internal.convert.BatchShape;
import org.backpack4j.dl4j.internal.convert.IterationState;
import org.backpack4j.dl4j.internal.convert.NetworkBatch;
import org.backpack4j.dl4j.internal.listen.Remedies;
import org.backpack4j.samediff.QuantityResults;
import org.backpack4j.samediff.UnsupportedGraphException;
import org.backpack4j.samediff.curvature.LinearOperator;
import org.backpack4j.samediff.curvature.ParameterLayout;
import org.backpack4j.samediff.extension.Extension;
import org.deeplearning4j.nn.api.Model;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Evaluates further graphs of the batch whose gradient a network has just computed, with the random
 * numbers that were drawn for it. Losses and quantities are those of the mean over the samples,
 * without penalties.
 *
 * <p>It hears of an iteration either from DL4J's own passes ({@link #forward}, {@link #backward})
 * or from a planned one ({@link #passed}), and forgets it at {@link #done}.
 */
public final class RepeatedPass implements AutoCloseable {
  private final TrainingGraphs graphs = new TrainingGraphs();
  private @Nullable IterationState forward;
  private @Nullable PassedBatch batch;

  /** Keeps what DL4J drew in its forward pass. */
  public void forward(Model net, Map<String, INDArray> activations) {
    batch = null;
    forward = NetworkConverter.given(net, NetworkConverter.converters(), activations, Set.of());
  }

  /** Keeps the batch whose backward pass DL4J has made. */
  public void backward(Model net) {
    IterationState kept = forward;
    forward = null;
    if (kept != null) {
      batch =
          new PassedBatch(
              NetworkBatch.of(net),
              NetworkConverter.given(net, NetworkConverter.converters(), kept),
              new LinkedHashMap<>());
    }
  }

  /** Keeps the batch of a planned pass. */
  public void passed(PassedBatch planned) {
    batch = new PassedBatch(planned.batch(), planned.drawn(), new LinkedHashMap<>(planned.added()));
  }

  /** The iteration is over. */
  public void done() {
    forward = null;
    batch = null;
  }

  /**
   * Prepares evaluations of the batch that has just been passed.
   *
   * @param net the network, whose parameters are still those of the pass
   * @param extensions the quantities, the same objects in each iteration
   * @return the evaluations
   * @throws IllegalStateException if no batch was passed
   * @throws UnsupportedGraphException if a quantity cannot be had
   */
  public Evaluation evaluation(Model net, Extension... extensions) {
    PassedBatch here = batch;
    if (here == null) {
      throw new IllegalStateException(
          "The batch of this iteration is not known: DL4J has told of no forward and backward"
              + " pass.");
    }
    NetworkBatch data = here.batch();
    BatchShape shape = data.shape().with(here.drawn().shapes(data.samples()));
    TrainingGraphs.Made made = made(net, shape, extensions);
    Map<String, INDArray> feeds = made.network().feeds(data);
    made.network().add(here.drawn(), feeds, here.added());
    return new Evaluation(made, here, feeds, List.of(extensions));
  }

  /**
   * Tells what stands in the way for batches of a shape.
   *
   * @throws UnsupportedGraphException if a quantity cannot be had
   */
  public void check(Model net, BatchShape shape, Extension... extensions) {
    made(net, shape, extensions);
  }

  private TrainingGraphs.Made made(Model net, BatchShape shape, Extension... extensions) {
    try {
      return graphs.of(net, new TrainingGraphs.Key(shape, Scale.MEAN, false, List.of(extensions)));
    } catch (UnsupportedGraphException e) {
      UnsupportedGraphException told =
          new UnsupportedGraphException(Remedies.of(net, e.refusals()));
      told.initCause(e);
      throw told;
    }
  }

  /** A matrix with its parameters in another order. */
  private record InOrder(LinearOperator own, ParameterLayout layout) implements LinearOperator {
    @Override
    public INDArray times(INDArray vectors) {
      INDArray products = own.times(own.layout().joinRows(layout.split(vectors)));
      return layout.joinRows(own.layout().split(products));
    }
  }

  /** Evaluations of one batch, at the parameters that the network has when they are asked for. */
  public static final class Evaluation {
    private final TrainingGraphs.Made made;
    private final PassedBatch batch;
    private final Map<String, INDArray> feeds;
    private final List<Extension> extensions;

    private Evaluation(
        TrainingGraphs.Made made,
        PassedBatch batch,
        Map<String, INDArray> feeds,
        List<Extension> extensions) {
      this.made = made;
      this.batch = batch;
      this.feeds = feeds;
      this.extensions = extensions;
    }

    /** Whether parameters were read as noise has changed them, which the step does not change. */
    public boolean isOfNoisyParameters() {
      return !batch.drawn().parameters().isEmpty();
    }

    /** Has the parameters read from other arrays than the network's, of the same shapes. */
    public void readParametersFrom(Map<String, INDArray> parameters) {
      IterationState drawn = batch.drawn();
      made.network()
          .add(
              new IterationState(drawn.noise(), parameters, drawn.activations(), drawn.generator()),
              feeds,
              batch.added());
    }

    /** The mean loss of the batch, without penalties. */
    public double loss() {
      List<String> names = made.network().losses().values().stream().flatMap(List::stream).toList();
      double sum = 0;
      for (INDArray value : made.graph().output(feeds, names).values()) {
        sum += value.sumNumber().doubleValue();
      }
      return sum;
    }

    /**
     * The matrix of one of the extensions, whose products with vectors it gives.
     *
     * @param extension the extension
     * @param layout the layout that the vectors shall have, of the same parameters
     */
    public LinearOperator products(Extension extension, ParameterLayout layout) {
      LinearOperator own = LinearOperator.of(made.graph(), extension, feeds);
      return own.layout().equals(layout) ? own : new InOrder(own, layout);
    }

    /**
     * The quantities.
     *
     * @param fed what the extensions read beside the batch
     * @param wanted says for an output's name whether it is wanted
     */
    public QuantityResults quantities(Map<String, INDArray> fed, Predicate<String> wanted) {
      Map<String, INDArray> all = new LinkedHashMap<>(feeds);
      all.putAll(fed);
      List<String> names = made.graph().outputNames().stream().filter(wanted).toList();
      Map<String, INDArray> outputs = new LinkedHashMap<>();
      made.graph()
          .output(all, names)
          .forEach((name, array) -> outputs.put(name, Objects.requireNonNull(array)));
      return new QuantityResults(outputs, extensions);
    }
  }

  /** Frees the memory that graphs keep. */
  @Override
  public void close() {
    done();
    graphs.close();
  }
}
