package org.backpack4j.dl4j.internal.listen;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.WeakHashMap;
import java.util.concurrent.CancellationException;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.backpack4j.dl4j.BatchStatistics;
import org.backpack4j.dl4j.Obstacle;
import org.backpack4j.dl4j.Scale;
import org.backpack4j.dl4j.UnconvertibleNetworkException;
import org.backpack4j.dl4j.internal.NetworkConverter;
import org.backpack4j.dl4j.internal.convert.BatchShape;
import org.backpack4j.dl4j.internal.convert.ConvertedGraph;
import org.backpack4j.dl4j.internal.convert.InputShapes;
import org.backpack4j.dl4j.internal.convert.IterationState;
import org.backpack4j.dl4j.internal.convert.NetworkBatch;
import org.backpack4j.dl4j.internal.convert.NetworkConversion;
import org.backpack4j.dl4j.internal.convert.Untrained;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.QuantityResults;
import org.backpack4j.samediff.Refusal;
import org.backpack4j.samediff.TrainingStep;
import org.backpack4j.samediff.UnsupportedGraphException;
import org.backpack4j.samediff.check.BruteForce;
import org.backpack4j.samediff.check.Verification;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.internal.evaluate.LongWork;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Computes one network's quantities for the batch that it works on. The network is converted and
 * extended once for each shape of its batches; what is refused is remembered as well. The network
 * itself is not kept, so that this can be let go of together with it.
 *
 * <p>With running statistics a network with batch normalisation has two graphs: gradients come from
 * that of training, second-order quantities from that of evaluation.
 */
public final class NetworkEvaluator implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(NetworkEvaluator.class);

  /** As many shapes are kept. */
  private static final int SHAPES = 8;

  private static final String NOTE =
      "Second-order quantities are those of evaluation mode: batch normalisation with its running"
          + " statistics.";

  /** As many refusals are kept: they are small, and cost as much to find out as a graph. */
  private static final int REFUSALS = 100;

  private final ListenerSettings settings;
  private final GradientComparison gradients;
  private final Map<BatchShape, Made> made = new Recent<>(SHAPES, this::forget);
  private final Map<BatchShape, RuntimeException> refused = new Recent<>(REFUSALS, e -> {});
  private final LineSearchTrials trials = new LineSearchTrials();
  private int forgotten;
  private IterationState given = IterationState.NOTHING;

  /** Whether what belongs to the present iteration could not be kept. */
  private boolean lost;

  /** The layers whose activations the graphs are fed; null before the first is made. */
  private @Nullable Set<String> begins;

  private int verified;

  /** The graphs whose gradient was compared with DL4J's already, where that is done once. */
  private final Set<ExtendedGraph> compared = Collections.newSetFromMap(new WeakHashMap<>());

  public NetworkEvaluator(ListenerSettings settings) {
    this.settings = settings;
    gradients = new GradientComparison(settings);
  }

  /** A map of the entries that were used last. */
  private static final class Recent<K, V> extends LinkedHashMap<K, V> {
    private static final long serialVersionUID = 1L;
    private final int limit;
    private final transient Consumer<V> forget;

    Recent(int limit, Consumer<V> forget) {
      super(16, 0.75f, true);
      this.limit = limit;
      this.forget = forget;
    }

    @Override
    protected boolean removeEldestEntry(Map.Entry<K, V> eldest) {
      boolean full = size() > limit;
      if (full) {
        forget.accept(eldest.getValue());
      }
      return full;
    }
  }

  /**
   * What was made for a shape.
   *
   * @param parts the graphs
   * @param outOfReach why parameters have no quantities, since a layer stands in the way
   * @param missing why parameters have no quantities, for whatever reason
   */
  private record Made(
      List<Part> parts, Map<String, String> outOfReach, Map<String, String> missing) {
    void close() {
      parts.forEach(Part::close);
    }
  }

  /** A converted network, extended by some of the quantities. */
  private record Part(
      ConvertedGraph network, ExtendedGraph graph, List<String> names, boolean trains)
      implements AutoCloseable {
    @Override
    public void close() {
      graph.close();
    }
  }

  /** Says what stands in the way, as far as it can be told without a batch. */
  public synchronized void check(Model net) {
    refused.clear(); // the person may have changed something
    List<Obstacle> obstacles =
        NetworkConverter.obstacles(net, settings.lenient(), settings.converters());
    if (!obstacles.isEmpty()) {
      throw new UnconvertibleNetworkException(obstacles);
    }
  }

  /**
   * Converts and extends for batches of a shape. A graph that begins behind a layer which cannot be
   * converted has to wait for the layer's activations.
   */
  public synchronized void prepare(Model net, BatchShape shape) {
    if (NetworkConverter.obstacles(net, false, settings.converters()).isEmpty()) {
      made(net, shape);
    }
  }

  /** Keeps what belongs to the iteration alone whose forward pass the network has just made. */
  public synchronized void remember(Model net, Map<String, INDArray> activations, int iteration) {
    if (trials.isTrial(net, iteration)) {
      return;
    }
    given = IterationState.NOTHING;
    lost = true;
    Set<String> known = begins;
    Set<String> needed =
        !settings.lenient() ? Set.of() : known == null ? activations.keySet() : known;
    given = NetworkConverter.given(net, settings.converters(), activations, needed);
    lost = false;
  }

  /** The iteration is done: the next pass belongs to another. */
  public synchronized void done() {
    trials.end();
  }

  /**
   * Evaluates the iteration whose backward pass the network has just made.
   *
   * @return its quantities; null if there are none to tell: it is a trial of a line search, or what
   *     belongs to the iteration could not be kept, which was told then
   */
  public synchronized @Nullable TrainingStep evaluate(Model net, int iteration, int epoch) {
    if (trials.isTrial(net, iteration)) {
      return null;
    }
    trials.begin(net, iteration);
    IterationState kept = given;
    given = IterationState.NOTHING;
    if (lost) {
      lost = false;
      return null;
    }
    return evaluate(
        net,
        NetworkConverter.given(net, settings.converters(), kept),
        new LinkedHashMap<>(),
        NetworkBatch.of(net),
        iteration,
        epoch);
  }

  /**
   * Evaluates an iteration whose gradient the network has.
   *
   * @param net the network
   * @param all what belongs to the iteration alone
   * @param added what was drawn in the place of changed inputs of layers, as far as it is known
   * @param batch the batch
   * @param iteration its number
   * @param epoch its epoch
   * @return its quantities
   */
  public synchronized TrainingStep evaluate(
      Model net,
      IterationState all,
      Map<String, INDArray> added,
      NetworkBatch batch,
      int iteration,
      int epoch) {
    Made graphs = made(net, batch.shape().with(all.shapes(batch.samples())));
    Map<String, INDArray> outputs = new LinkedHashMap<>();
    Map<String, List<Integer>> axes = new LinkedHashMap<>();
    List<String> notes = new ArrayList<>();
    for (Part part : graphs.parts()) {
      Map<String, INDArray> feeds = part.network().feeds(batch);
      part.network().add(all, feeds, added);
      Map<String, INDArray> results = part.graph().output(feeds, part.names());
      if (part.trains()) {
        double factor = settings.scale() == Scale.MEAN ? batch.samples() : 1;
        notes.addAll(
            gradients.compare(
                new ComparedIteration(
                    net, batch, all, part.network(), part.graph(), feeds, results, factor)));
      } else {
        notes.add(NOTE);
      }
      if (verified < settings.verified()) {
        verify(part, feeds, results);
      }
      if (curved()) {
        notes.addAll(part.network().notes());
      }
      notes.addAll(Refusal.lines(Remedies.of(net, part.graph().refusals())));
      outputs.putAll(results);
      results.keySet().forEach(n -> part.graph().outputAxes(n).ifPresent(a -> axes.put(n, a)));
    }
    notes.addAll(new LinkedHashSet<>(graphs.outOfReach().values()));
    verified++;
    QuantityResults quantities =
        new QuantityResults(outputs, Arrays.asList(settings.extensions()), graphs.missing(), axes);
    return new TrainingStep(iteration, epoch, quantities, notes);
  }

  /**
   * Evaluates outputs for the batch that the network has just passed, in the place of {@link
   * #evaluate(Model, int, int)}. The first time for a shape the gradient is compared with DL4J's.
   *
   * @param net the network
   * @param fed what extensions read beside the batch
   * @param wanted says for an output's name whether it is wanted
   * @return the outputs
   */
  public synchronized Map<String, INDArray> passed(
      Model net, Map<String, INDArray> fed, Predicate<String> wanted) {
    if (lost) {
      throw new IllegalStateException(
          "What belongs to the iteration alone, such as dropout's random numbers, was not kept.");
    }
    IterationState all = NetworkConverter.given(net, settings.converters(), given);
    given = IterationState.NOTHING;
    return outputs(net, all, NetworkBatch.of(net), fed, wanted, true);
  }

  /**
   * Evaluates outputs for a batch that the network has not passed. Nothing is drawn for it, so the
   * network must have no dropout and no noise.
   *
   * @param net the network
   * @param batch the batch
   * @param fed what extensions read beside the batch
   * @param wanted says for an output's name whether it is wanted
   * @return the outputs
   */
  public synchronized Map<String, INDArray> of(
      Model net, NetworkBatch batch, Map<String, INDArray> fed, Predicate<String> wanted) {
    return outputs(net, IterationState.NOTHING, batch, fed, wanted, false);
  }

  private Map<String, INDArray> outputs(
      Model net,
      IterationState all,
      NetworkBatch batch,
      Map<String, INDArray> fed,
      Predicate<String> wanted,
      boolean passed) {
    Made graphs = made(net, batch.shape().with(all.shapes(batch.samples())));
    Map<String, INDArray> outputs = new LinkedHashMap<>();
    for (Part part : graphs.parts()) {
      Map<String, INDArray> feeds = part.network().feeds(batch);
      part.network().add(all, feeds, new LinkedHashMap<>());
      feeds.putAll(fed);
      boolean first = passed && compared.add(part.graph());
      List<String> names = first ? part.names() : part.names().stream().filter(wanted).toList();
      Map<String, INDArray> results = part.graph().output(feeds, names);
      if (first) {
        double factor = settings.scale() == Scale.MEAN ? batch.samples() : 1;
        gradients.compare(
            new ComparedIteration(
                net, batch, all, part.network(), part.graph(), feeds, results, factor));
      }
      outputs.putAll(results);
    }
    outputs.keySet().removeIf(name -> !wanted.test(name));
    return outputs;
  }

  private Made made(Model net, BatchShape shape) {
    Made known = made.get(shape);
    if (known == null) {
      // a graph that was made without labels, and lacks nothing, does not depend on their shape
      Made unlabelled = made.get(shape.withoutLabels());
      known = unlabelled == null || !unlabelled.outOfReach().isEmpty() ? null : unlabelled;
    }
    if (known == null) {
      RuntimeException before = refused.get(shape);
      if (before != null) {
        throw before;
      }
      try {
        known = make(net, shape);
      } catch (CancellationException e) {
        throw e; // somebody has stopped it: that is no refusal
      } catch (RuntimeException e) {
        refused.put(shape, e);
        throw e;
      }
    }
    return known;
  }

  /** Lets go of what was made for a shape, and says that this costs time, but not each time. */
  private void forget(Made eldest) {
    eldest.close();
    forgotten++;
    if (Integer.bitCount(forgotten) == 1) {
      log.info(
          "Graphs were made for {} shapes of batches, and {} are kept: for every other shape the"
              + " network is converted and extended again, which takes as long as a first step. Pad"
              + " sequences to few lengths, with masks, or sort them into batches by length.",
          SHAPES + forgotten,
          SHAPES);
    }
  }

  private Made make(Model net, BatchShape shape) {
    Set<String> before = begins == null ? Set.of() : begins;
    begins = null; // if this fails, the next iteration keeps all activations
    List<Part> parts = parts(net, shape);
    Set<String> steps = new TreeSet<>(before);
    Map<String, String> outOfReach = new LinkedHashMap<>();
    Map<String, String> missing = new LinkedHashMap<>();
    for (Part part : parts) {
      ConvertedGraph network = part.network();
      steps.addAll(network.begins());
      network.outOfReach().forEach((p, o) -> outOfReach.put(p, leftOut(p, o)));
      missing.putAll(Untrained.of(net, network.parameters()));
      network.parameters().stream()
          .filter(p -> !settings.parameters().test(p))
          .forEach(p -> missing.put(p, Untrained.notChosen(p)));
    }
    missing.putAll(outOfReach);
    begins = steps;
    Made all = new Made(parts, outOfReach, missing);
    made.put(shape.with(shape.given().keeping(steps)), all);
    return all;
  }

  private static String leftOut(String parameter, Obstacle obstacle) {
    return "\"" + parameter + "\" is out of reach, since a layer stands in the way: " + obstacle;
  }

  private List<Part> parts(Model net, BatchShape shape) {
    boolean normalises = InputShapes.has(net, BatchNormalization.class);
    boolean curved = curved();
    if (!settings.runningStatistics() || !normalises || !curved) {
      try {
        return List.of(part(net, shape, BatchStatistics.BATCH, e -> true));
      } catch (UnsupportedGraphException e) {
        UnsupportedGraphException told =
            new UnsupportedGraphException(Remedies.of(net, e.refusals()));
        told.initCause(e);
        throw told;
      }
    }
    List<Part> parts = new ArrayList<>();
    List<Refusal> refusals = new ArrayList<>();
    for (BatchStatistics statistics : BatchStatistics.values()) {
      boolean second = statistics == BatchStatistics.RUNNING;
      try {
        parts.add(part(net, shape, statistics, e -> e.columns().secondOrder() == second));
      } catch (UnsupportedGraphException e) {
        refusals.addAll(e.refusals());
      } catch (RuntimeException | Error e) {
        parts.forEach(Part::close);
        throw e;
      }
    }
    if (!refusals.isEmpty()) {
      parts.forEach(Part::close);
      throw new UnsupportedGraphException(Remedies.of(net, refusals));
    }
    return parts;
  }

  /** Whether second-order quantities are asked for. */
  private boolean curved() {
    return Arrays.stream(settings.extensions()).anyMatch(e -> e.columns().secondOrder());
  }

  private Part part(
      Model net, BatchShape shape, BatchStatistics statistics, Predicate<Extension> chosen) {
    LongWork work = new LongWork(log, "Converting a network");
    ConvertedGraph network =
        NetworkConverter.convert(
            net,
            shape,
            new NetworkConversion.Choices(
                settings.scale(), statistics, true, settings.lenient(), settings.converters()));
    work.done();
    checkNames(net, network);
    BackPack.Builder builder = network.backPack(settings.parameters());
    if (settings.lenient()) {
      builder.lenient();
    }
    boolean trains = statistics == BatchStatistics.BATCH;
    ExtendedGraph graph =
        builder.extend(
            Arrays.stream(settings.extensions()).filter(chosen).toArray(Extension[]::new));
    List<String> names = new ArrayList<>(graph.outputNames());
    if (!trains) {
      names.removeIf(n -> n.endsWith(".grad") || n.endsWith(".grad_penalty"));
    }
    return new Part(network, graph, names, trains);
  }

  private void checkNames(Model net, ConvertedGraph network) {
    Set<String> unknown = new TreeSet<>(settings.named());
    network.parameters().forEach(unknown::remove);
    network.outOfReach().keySet().forEach(unknown::remove);
    if (!unknown.isEmpty()) {
      Map<String, String> reasons = Untrained.of(net, network.parameters());
      reasons.keySet().retainAll(unknown);
      throw new IllegalArgumentException(
          "The network has no trained parameters "
              + unknown
              + "; it has "
              + network.parameters()
              + "."
              + reasons.values().stream().map(r -> " " + r).collect(Collectors.joining()));
    }
  }

  private void verify(Part part, Map<String, INDArray> feeds, Map<String, INDArray> results) {
    BruteForce brute = BruteForce.on(part.network().sameDiff(), feeds);
    List<String> predictions = part.network().predictions();
    if (!predictions.isEmpty()) {
      brute = brute.predictions(predictions.toArray(new String[0]));
    }
    Verification verification =
        brute.verifier().entries(settings.verifiedEntries()).verify(results);
    if (!verification.ok()) {
      throw new IllegalStateException(verification.toString());
    }
  }

  @Override
  public synchronized void close() {
    made.values().forEach(Made::close);
    made.clear();
    refused.clear();
    begins = null;
    given = IterationState.NOTHING;
  }
}
