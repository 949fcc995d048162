package org.backpack4j.dl4j.internal.report;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.backpack4j.dl4j.internal.train.Gradients;
import org.backpack4j.samediff.TrainingStep;
import org.deeplearning4j.nn.api.Model;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Makes records of the iterations of one network. The network is only read.
 *
 * <p>An iteration's record is complete when the next one's gradient is there, since the slope at
 * the end of a step is that of the next batch.
 */
public final class Observer {
  private static final int LARGEST = 4;

  private final Map<String, INDArray> first = new LinkedHashMap<>();
  private @Nullable StepRecord open;

  /** A record whose step has been made, and which waits for the next gradient. */
  private @Nullable StepRecord ended;

  /** Parameters and gradient at the start of the open record's step. */
  private Map<String, INDArray> parameters = Map.of();

  private Map<String, INDArray> gradient = Map.of();

  /** The number of samples that this gradient is a sum over. */
  private long summed;

  /** Parameters that have quantities: running averages, which move by rules of their own, don't. */
  private Set<String> observed = Set.of();

  /**
   * Begins the record of an iteration.
   *
   * @param net the network, before its step
   * @param step its quantities, in the scale of a sum
   * @param curved whether the curvature's diagonal is among them
   */
  public void begin(Model net, TrainingStep step, boolean curved) {
    try (MemoryWorkspace outside = Nd4j.getMemoryManager().scopeOutOfWorkspaces()) {
      open = record(net, step, curved);
    }
  }

  /**
   * Adds to the record that is open.
   *
   * @param closeup histograms and eigenvalues of the same iteration
   */
  public void add(Closeup closeup) {
    if (open != null) {
      open = open.with(closeup);
    }
  }

  private StepRecord record(Model net, TrainingStep step, boolean curved) {
    Map<String, INDArray> table = net.paramTable();
    Map<String, INDArray> outputs = step.quantities().outputs();
    double[] norms = doubles(total(outputs, "batch_l2"));
    int samples = norms.length;
    double[] products = doubles(of(outputs, "grad_alignment"));
    for (int n = 0; n < products.length; n++) {
      products[n] /= samples; // with the mean gradient
    }
    Map<String, LayerRecord> layers = new LinkedHashMap<>();
    Map<String, List<String>> names = layers(table.keySet(), outputs);
    observed = names.values().stream().flatMap(List::stream).collect(Collectors.toSet());
    double squared = 0;
    double trace = 0;
    Ratios ratios = new Ratios();
    for (Map.Entry<String, List<String>> layer : names.entrySet()) {
      double gradients = 0;
      double weights = 0;
      double distance = 0;
      double curvature = curved ? 0 : Double.NaN;
      double dead = Double.NaN;
      for (String name : layer.getValue()) {
        INDArray weight = of(table, name);
        INDArray g = step.quantities().gradient(name);
        INDArray mean = g.castTo(DataType.DOUBLE).div(samples);
        INDArray variance = of(outputs, name + ".variance").castTo(DataType.DOUBLE);
        double own = squaredNorm(mean);
        gradients += own;
        weights += squaredNorm(weight);
        INDArray start = first.computeIfAbsent(name, n -> weight.dup());
        distance += squaredNorm(weight.sub(start));
        if (curved) {
          // a sum over the samples; the mean loss has the mean of their curvatures
          INDArray diagonal = outputs.get(name + ".diag_ggn_mc"); // none where it is refused
          curvature += diagonal == null ? Double.NaN : diagonal.sumNumber().doubleValue() / samples;
        }
        if (name.endsWith("_b") && Rectified.isBehind(net, layer.getKey())) {
          dead = share(mean, variance);
        }
        ratios.add(doubles(mean), doubles(variance));
      }
      squared += gradients;
      trace += curvature;
      layers.put(
          layer.getKey(),
          new LayerRecord(
              Math.sqrt(gradients),
              Math.sqrt(weights),
              Math.sqrt(distance),
              Double.NaN,
              dead,
              curvature));
    }
    GradientStatistics statistics = GradientStatistics.of(norms, products, squared);
    return new StepRecord(
        step.iteration(),
        step.epoch(),
        Double.NaN,
        statistics,
        layers,
        ratios.mean(),
        1 - (samples - 1) * ratios.mean(), // b ḡ²/s² with s² = variance · b/(b − 1)
        Double.NaN,
        curved ? statistics.squaredNorms() / samples / trace : Double.NaN,
        largest(norms, statistics.squaredNorms()),
        Closeup.NONE);
  }

  /** The mean of ḡ²/variance over the entries of several arrays that vary. */
  private static final class Ratios {
    private double sum;
    private long count;

    void add(double[] mean, double[] variance) {
      for (int k = 0; k < mean.length; k++) {
        if (variance[k] > 0) {
          sum += mean[k] * mean[k] / variance[k];
          count++;
        }
      }
    }

    double mean() {
      return count == 0 ? Double.NaN : sum / count;
    }
  }

  /** Layers in the network's order, each with its parameters that have quantities. */
  private static Map<String, List<String>> layers(
      Iterable<String> table, Map<String, INDArray> outputs) {
    Map<String, List<String>> layers = new LinkedHashMap<>();
    for (String name : table) {
      if (outputs.containsKey(name + ".variance")) {
        String layer = name.substring(0, name.lastIndexOf('_'));
        layers.computeIfAbsent(layer, l -> new ArrayList<>()).add(name);
      }
    }
    return layers;
  }

  /** Units whose bias no sample has moved. */
  private static double share(INDArray mean, INDArray variance) {
    double dead = 0;
    for (long k = 0; k < mean.length(); k++) {
      if (mean.getDouble(k) == 0 && variance.getDouble(k) == 0) {
        dead++;
      }
    }
    return dead / mean.length();
  }

  private static List<StepRecord.Sample> largest(double[] norms, double sum) {
    return IntStream.range(0, norms.length)
        .boxed()
        .sorted(Comparator.comparingDouble(n -> -norms[n]))
        .limit(LARGEST)
        .map(n -> new StepRecord.Sample(n, Math.sqrt(norms[n]), norms[n] / sum))
        .toList();
  }

  private static INDArray of(Map<String, INDArray> arrays, String name) {
    return Objects.requireNonNull(arrays.get(name), name);
  }

  private static INDArray total(Map<String, INDArray> outputs, String field) {
    return outputs.entrySet().stream()
        .filter(e -> e.getKey().endsWith("." + field))
        .map(e -> e.getValue().castTo(DataType.DOUBLE))
        .reduce(INDArray::add)
        .orElseThrow();
  }

  /** The entries in 'c' order, whatever the array's own is. */
  private static double[] doubles(INDArray array) {
    return array.castTo(DataType.DOUBLE).dup('c').data().asDouble();
  }

  private static double squaredNorm(INDArray array) {
    double norm = array.norm2Number().doubleValue();
    return norm * norm;
  }

  /**
   * The samples of largest gradient norm in the record that is open.
   *
   * @return the samples; none if no record is
   */
  public List<StepRecord.Sample> largest() {
    return open == null ? List.of() : open.largest();
  }

  /**
   * Hears that a gradient is there: it ends the record that is open, and is kept if the iteration
   * has begun one.
   *
   * @param net the network, before its step
   * @param iteration the iteration
   * @param batch its number of samples
   * @return the record that it has completed; null for none
   */
  public @Nullable StepRecord gradient(Model net, int iteration, long batch) {
    try (MemoryWorkspace outside = Nd4j.getMemoryManager().scopeOutOfWorkspaces()) {
      StepRecord complete = null;
      if (ended != null) {
        complete = ended.with(alpha(net, batch), ended.layers());
        ended = null;
      }
      StepRecord begun = open;
      if (begun != null && begun.iteration() == iteration) {
        open = begun.withScore(net.score());
        parameters = copies(net.paramTable());
        gradient = copies(Gradients.of(net));
        summed = batch;
      }
      return complete;
    }
  }

  /**
   * Hears that a step has been made.
   *
   * @param net the network, behind it
   */
  public void stepped(Model net) {
    StepRecord begun = open;
    open = null;
    if (begun == null || parameters.isEmpty()) {
      return;
    }
    try (MemoryWorkspace outside = Nd4j.getMemoryManager().scopeOutOfWorkspaces()) {
      Map<String, LayerRecord> layers = new LinkedHashMap<>();
      Map<String, Double> sizes = new LinkedHashMap<>();
      net.paramTable()
          .forEach(
              (name, now) -> {
                INDArray before = parameters.get(name);
                if (before != null) {
                  sizes.merge(
                      name.substring(0, name.lastIndexOf('_')),
                      squaredNorm(now.sub(before)),
                      Double::sum);
                }
              });
      begun
          .layers()
          .forEach(
              (name, layer) ->
                  layers.put(name, layer.withUpdate(Math.sqrt(sizes.getOrDefault(name, 0.0)))));
      ended = begun.with(Double.NaN, layers);
    }
  }

  /**
   * The record that still waits for the next gradient, at the end of a training.
   *
   * @return the record, whose α is not known; null for none
   */
  public @Nullable StepRecord last() {
    StepRecord waiting = ended;
    ended = null;
    return waiting;
  }

  /**
   * α of the step that has led here. On the parabola with the slopes s₀ and s₁ at the step's ends
   * the minimum is at τ = s₀/(s₀ − s₁), and α = 1/τ − 1 = −s₁/s₀. The slopes are those of the two
   * batches' mean losses along the step. Cockpit (Schneider, Dangel and Hennig, 2021) also fits the
   * losses' values, which differ by more between two batches than a step changes them.
   */
  private double alpha(Model net, long batch) {
    double start = 0;
    double end = 0;
    Map<String, INDArray> now = Gradients.of(net);
    for (Map.Entry<String, INDArray> p : net.paramTable().entrySet()) {
      INDArray before = parameters.get(p.getKey());
      INDArray then = gradient.get(p.getKey());
      INDArray here = now.get(p.getKey());
      if (before != null && then != null && here != null) {
        INDArray direction = p.getValue().sub(before);
        start += dot(then, direction) / summed;
        end += dot(here, direction) / batch;
      }
    }
    parameters = Map.of();
    gradient = Map.of();
    // uphill there is no minimum ahead, and where the slope grows it is behind the horizon
    return start < 0 ? Math.max(-end / start, -1) : Double.NaN;
  }

  private static double dot(INDArray a, INDArray b) {
    return a.castTo(DataType.DOUBLE).mul(b.castTo(DataType.DOUBLE)).sumNumber().doubleValue();
  }

  private Map<String, INDArray> copies(Map<String, INDArray> arrays) {
    Map<String, INDArray> copies = new LinkedHashMap<>();
    arrays.forEach(
        (name, array) -> {
          if (observed.contains(name)) {
            copies.put(name, array.dup());
          }
        });
    return copies;
  }
}
