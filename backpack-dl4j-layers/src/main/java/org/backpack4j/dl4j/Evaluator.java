package org.backpack4j.dl4j;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import org.backpack4j.dl4j.convert.BatchShape;
import org.backpack4j.dl4j.convert.Given;
import org.backpack4j.dl4j.convert.Obstacle;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.QuantityResults;
import org.backpack4j.samediff.TrainingStep;
import org.backpack4j.samediff.UnsupportedGraphException;
import org.backpack4j.samediff.backprop.Refusal;
import org.backpack4j.samediff.check.BruteForce;
import org.backpack4j.samediff.check.Verification;
import org.backpack4j.samediff.extension.Extension;
import org.deeplearning4j.nn.api.Model;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Computes a network's quantities for the batch that it works on. The network is converted and
 * extended once for each shape of its batches.
 *
 * <p>With running statistics a network with batch normalisation has two graphs: gradients come from
 * that of training, second-order quantities from that of evaluation.
 */
final class Evaluator implements AutoCloseable {
  /** As many shapes are kept. */
  private static final int SHAPES = 8;

  private static final String NOTE =
      "Second-order quantities are those of evaluation mode: batch normalisation with its running"
          + " statistics.";

  private final Settings settings;
  private final GradientComparison gradients;
  private final Map<BatchShape, List<Part>> parts =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<BatchShape, List<Part>> eldest) {
          boolean full = size() > SHAPES;
          if (full) {
            eldest.getValue().forEach(Part::close);
          }
          return full;
        }
      };
  private final Map<String, String> outOfReach = new LinkedHashMap<>();
  private @Nullable Model model;
  private Given given = Given.NOTHING;

  /** The layers whose activations the graphs are fed; null before the first is made. */
  private @Nullable Set<String> begins;

  private int verified;

  Evaluator(Settings settings) {
    this.settings = settings;
    gradients = new GradientComparison(settings);
  }

  /** A converted network, extended by some of the quantities. */
  private record Part(
      ConvertedNetwork network, ExtendedGraph graph, List<String> names, boolean trains)
      implements AutoCloseable {
    @Override
    public void close() {
      graph.close();
    }
  }

  /** Says what stands in the way, as far as it can be told without a batch. */
  void check(Model net) {
    List<Obstacle> obstacles = Dl4jConverter.obstacles(net, settings.lenient());
    if (!obstacles.isEmpty()) {
      throw new UnconvertibleNetworkException(obstacles);
    }
  }

  /**
   * Converts and extends for batches of a shape. A graph that begins behind a layer which cannot be
   * converted has to wait for the layer's activations.
   */
  void prepare(Model net, BatchShape shape) {
    if (Dl4jConverter.obstacles(net, false).isEmpty()) {
      parts(net, shape);
    }
  }

  /** Keeps what belongs to the iteration alone whose forward pass the network has just made. */
  void remember(Model net, Map<String, INDArray> activations) {
    if (model != net) {
      close();
      model = net;
    }
    Set<String> known = begins;
    Set<String> needed =
        !settings.lenient() ? Set.of() : known == null ? activations.keySet() : known;
    given = Dl4jConverter.given(net, activations, needed);
  }

  /** Why a parameter has no quantities; null if it has. */
  @Nullable String outOfReach(String parameter) {
    return outOfReach.get(parameter);
  }

  TrainingStep evaluate(Model net, Batch batch, int iteration, int epoch) {
    given = Dl4jConverter.given(net, given);
    List<Part> all = parts(net, batch.shape().with(given.shapes(batch.samples())));
    Map<String, INDArray> outputs = new LinkedHashMap<>();
    List<String> notes = new ArrayList<>();
    Map<String, INDArray> added = new LinkedHashMap<>();
    for (Part part : all) {
      Map<String, INDArray> feeds = part.network().feeds(batch);
      part.network().add(given, feeds, added);
      Map<String, INDArray> results = part.graph().output(feeds, part.names());
      if (part.trains()) {
        double factor = settings.scale() == Scale.MEAN ? batch.samples() : 1;
        notes.addAll(
            gradients.compare(
                new Compared(
                    net, batch, given, part.network(), part.graph(), feeds, results, factor)));
      } else {
        notes.add(NOTE);
      }
      if (verified < settings.verified()) {
        verify(part, feeds, results);
      }
      if (curved()) {
        notes.addAll(part.network().notes());
      }
      part.graph().refusals().forEach(r -> notes.add(r.toString()));
      outputs.putAll(results);
    }
    given = Given.NOTHING;
    notes.addAll(new LinkedHashSet<>(outOfReach.values()));
    verified++;
    QuantityResults quantities = new QuantityResults(outputs, Arrays.asList(settings.extensions()));
    return new TrainingStep(iteration, epoch, quantities, notes);
  }

  private List<Part> parts(Model net, BatchShape shape) {
    if (model != net) {
      close();
      model = net;
    }
    List<Part> known = parts.get(shape);
    if (known == null && outOfReach.isEmpty()) {
      // a graph that was made without labels, and lacks nothing, does not depend on their shape
      known = parts.get(shape.withoutLabels());
    }
    if (known == null) {
      Set<String> before = begins == null ? Set.of() : begins;
      begins = null; // if this fails, the next iteration keeps all activations
      known = make(net, shape);
      Set<String> steps = new TreeSet<>(before);
      for (Part part : known) {
        steps.addAll(part.network().begins());
        part.network().outOfReach().forEach((p, o) -> outOfReach.put(p, leftOut(p, o)));
      }
      begins = steps;
      parts.put(shape.with(shape.given().keeping(steps)), known);
    }
    return known;
  }

  private static String leftOut(String parameter, Obstacle obstacle) {
    return "\"" + parameter + "\" is out of reach, since a layer stands in the way: " + obstacle;
  }

  private List<Part> make(Model net, BatchShape shape) {
    boolean normalises = Dl4jConverter.normalisesBatches(net);
    boolean curved = curved();
    if (!settings.runningStatistics() || !normalises || !curved) {
      try {
        return List.of(part(net, shape, BatchStatistics.BATCH, e -> true));
      } catch (UnsupportedGraphException e) {
        throw normalises && curved ? withRemedy(e) : e;
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
      }
    }
    if (!refusals.isEmpty()) {
      parts.forEach(Part::close);
      throw new UnsupportedGraphException(refusals);
    }
    return parts;
  }

  /** Whether second-order quantities are asked for. */
  private boolean curved() {
    return Arrays.stream(settings.extensions()).anyMatch(e -> e.columns().secondOrder());
  }

  private static UnsupportedGraphException withRemedy(UnsupportedGraphException refused) {
    List<Refusal> refusals = new ArrayList<>(refused.refusals());
    refusals.add(
        new Refusal(
            "second-order quantities",
            "batch normalisation",
            "samples influence each other through the batch's statistics",
            "runningStatistics() has the listener use the running ones for them, as in evaluation"
                + " mode"));
    return new UnsupportedGraphException(refusals);
  }

  private Part part(
      Model net, BatchShape shape, BatchStatistics statistics, Predicate<Extension> chosen) {
    ConvertedNetwork network =
        Dl4jConverter.on(net)
            .like(shape)
            .scale(settings.scale())
            .statistics(statistics)
            .iteration(settings.lenient())
            .convert();
    checkNames(network);
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

  private void checkNames(ConvertedNetwork network) {
    Set<String> unknown = new TreeSet<>(settings.named());
    network.parameters().forEach(unknown::remove);
    network.outOfReach().keySet().forEach(unknown::remove);
    if (!unknown.isEmpty()) {
      throw new IllegalArgumentException(
          "The network has no trained parameters "
              + unknown
              + "; it has "
              + network.parameters()
              + ".");
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
  public void close() {
    parts.values().forEach(p -> p.forEach(Part::close));
    parts.clear();
    outOfReach.clear();
    begins = null;
    given = Given.NOTHING;
  }
}
