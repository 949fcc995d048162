package org.backpack4j.dl4j;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import org.backpack4j.dl4j.convert.BatchShape;
import org.backpack4j.dl4j.convert.Obstacle;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.Evaluation;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.TrainingStep;
import org.backpack4j.samediff.check.BruteForce;
import org.backpack4j.samediff.check.Verification;
import org.backpack4j.samediff.extension.Extension;
import org.deeplearning4j.nn.api.Model;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
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

  /** So far from DL4J's the gradient may be without a note. */
  private static final double SMALL = 1e-2;

  private static final String NOTE =
      "Second-order quantities are those of evaluation mode: batch normalisation with its running"
          + " statistics.";

  private final Settings settings;
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
  private @Nullable Model model;
  private int verified;

  Evaluator(Settings settings) {
    this.settings = settings;
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
  static void check(Model net) {
    List<Obstacle> obstacles = Dl4jConverter.obstacles(net);
    if (!obstacles.isEmpty()) {
      throw new UnconvertibleNetworkException(obstacles);
    }
  }

  /** Converts and extends for batches of a shape. */
  void prepare(Model net, BatchShape shape) {
    parts(net, shape);
  }

  TrainingStep evaluate(Model net, Batch batch, int iteration, int epoch) {
    List<Part> all = parts(net, batch.shape());
    Map<String, INDArray> outputs = new LinkedHashMap<>();
    List<String> notes = new ArrayList<>();
    for (Part part : all) {
      Map<String, INDArray> feeds =
          part.network()
              .feeds(batch.features(), batch.labels(), batch.featureMasks(), batch.labelMasks());
      Map<String, INDArray> results = part.graph().output(feeds, part.names());
      if (part.trains()) {
        compareGradient(net, batch, results, notes);
      } else {
        notes.add(NOTE);
      }
      if (verified < settings.verified()) {
        verify(part, feeds, results);
      }
      part.graph().refusals().forEach(r -> notes.add(r.toString()));
      outputs.putAll(results);
    }
    verified++;
    Evaluation quantities = new Evaluation(outputs, Arrays.asList(settings.extensions()));
    return new TrainingStep(iteration, epoch, quantities, notes);
  }

  private List<Part> parts(Model net, BatchShape shape) {
    if (model != net) {
      close();
      model = net;
    }
    List<Part> known = parts.get(shape);
    if (known == null) {
      known = make(net, shape);
      parts.put(shape, known);
    }
    return known;
  }

  private List<Part> make(Model net, BatchShape shape) {
    Extension[] all = settings.extensions();
    if (!settings.runningStatistics() || !Dl4jConverter.normalisesBatches(net)) {
      return List.of(part(net, shape, BatchStatistics.BATCH, all));
    }
    return List.of(
        part(net, shape, BatchStatistics.BATCH, all, e -> !e.columns().secondOrder()),
        part(net, shape, BatchStatistics.RUNNING, all, e -> e.columns().secondOrder()));
  }

  private Part part(
      Model net,
      BatchShape shape,
      BatchStatistics statistics,
      Extension[] all,
      Predicate<Extension> chosen) {
    Extension[] some = Arrays.stream(all).filter(chosen).toArray(Extension[]::new);
    return part(net, shape, statistics, some);
  }

  private Part part(
      Model net, BatchShape shape, BatchStatistics statistics, Extension... extensions) {
    ConvertedNetwork network =
        Dl4jConverter.on(net).like(shape).scale(settings.scale()).statistics(statistics).convert();
    checkNames(network);
    BackPack.Builder builder = network.backPack(settings.parameters());
    if (settings.lenient()) {
      builder.lenient();
    }
    boolean trains = statistics == BatchStatistics.BATCH;
    ExtendedGraph graph = builder.extend(extensions);
    List<String> names = new ArrayList<>(graph.outputNames());
    if (!trains) {
      names.removeIf(n -> n.endsWith(".grad") || n.endsWith(".grad_penalty"));
    }
    return new Part(network, graph, names, trains);
  }

  private void checkNames(ConvertedNetwork network) {
    Set<String> unknown = new TreeSet<>(settings.named());
    network.parameters().forEach(unknown::remove);
    if (!unknown.isEmpty()) {
      throw new IllegalArgumentException(
          "The network has no trained parameters "
              + unknown
              + "; it has "
              + network.parameters()
              + ".");
    }
  }

  /**
   * The gradient of our graph must be the one that DL4J has just computed: the cheapest of all
   * checks, and one that sees whatever the conversion may have overlooked.
   */
  private void compareGradient(
      Model net, Batch batch, Map<String, INDArray> results, List<String> notes) {
    Map<String, INDArray> own = net.gradient().gradientForVariable();
    double factor = settings.scale() == Scale.MEAN ? batch.samples() : 1;
    double off = 0;
    double all = 0;
    String worst = "";
    double worstOff = 0;
    for (Map.Entry<String, INDArray> e : own.entrySet()) {
      INDArray ours = results.get(e.getKey() + ".grad");
      if (ours != null) {
        // the gradient of a Convolution1D has an axis less than its parameter
        INDArray theirs = e.getValue().reshape(ours.shape());
        double difference = theirs.sub(ours.mul(factor)).norm2Number().doubleValue();
        double norm = theirs.norm2Number().doubleValue();
        off += difference * difference;
        all += norm * norm;
        if (!(difference <= worstOff)) {
          worstOff = difference;
          worst = e.getKey();
        }
      }
    }
    double relative = Math.sqrt(off) / Math.max(Math.sqrt(all), Double.MIN_NORMAL);
    if (relative <= Math.min(SMALL, tolerance(net))) {
      return;
    }
    String difference =
        "The gradient of the converted network is off from DL4J's by %.1e of its norm, most in \"%s\"."
            .formatted(relative, worst);
    if (!(relative <= tolerance(net))) {
      throw new IllegalStateException(
          difference
              + " Labels whose rows do not add up to one, and outputs so near to 0 or 1 that DL4J"
              + " clips them, are the usual reasons; gradientTolerance(…) lets it pass.");
    }
    notes.add(difference + " In single precision, rounding can do that.");
  }

  private double tolerance(Model net) {
    Double chosen = settings.gradientTolerance();
    if (chosen != null) {
      return chosen;
    }
    return net.params().dataType() == DataType.DOUBLE ? 1e-6 : 0.1;
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
  }
}
