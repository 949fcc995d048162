package org.backpack4j.dl4j.testing;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.backpack4j.dl4j.ConvertedNetwork;
import org.backpack4j.dl4j.Dl4jConverter;
import org.backpack4j.dl4j.spi.ConverterProvider;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.check.BruteForce;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.Extension;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.INDArrayIndex;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * The test that every converter has to pass, on a network in double precision: activations, score,
 * gradient and the gradient of each sample alone are those that DL4J itself computes, and the exact
 * diagonal of the GGN is that of brute force at a few entries.
 */
public final class Converted {
  private double tolerance = 1e-9;

  private final Model net;
  private final MultiDataSet batch;
  private boolean curved = true;
  private boolean apart = true;
  private boolean wrong;
  private List<String> doubled = List.of();
  private ConverterProvider[] converters = {};

  private Converted(Model net, MultiDataSet batch) {
    this.net = net;
    this.batch = batch;
  }

  /** Checks a network with one input and one output. */
  public static void check(Model net, INDArray features, INDArray labels) {
    of(net, features, labels).check();
  }

  /** A check with choices. */
  public static Converted of(Model net, INDArray features, INDArray labels) {
    return of(net, new MultiDataSet(features, labels));
  }

  /** A check with choices: several inputs, several outputs, masks. */
  public static Converted of(Model net, MultiDataSet batch) {
    return new Converted(net, batch);
  }

  /** Compares less exactly, where M2.1 itself is in single precision. */
  public Converted tolerance(double relative) {
    tolerance = relative;
    return this;
  }

  /** Registers converters of a person's own. */
  public Converted converters(ConverterProvider... providers) {
    converters = providers;
    return this;
  }

  /** Leaves second-order quantities out, where there are none. */
  public Converted firstOrder() {
    curved = false;
    return this;
  }

  /** Leaves out what treats samples apart: they influence each other. */
  public Converted coupled() {
    apart = false;
    return firstOrder();
  }

  /** Leaves DL4J's gradients out, where M2.1 has them wrong: they are compared with brute force. */
  public Converted againstBruteForce() {
    wrong = true;
    return this;
  }

  /** Expects DL4J's gradient of some layers to be twice the derivative of its score. */
  public Converted doubled(String... layers) {
    doubled = List.of(layers);
    return this;
  }

  /** DL4J's gradient, mended. */
  private INDArray mended(String parameter, INDArray gradient) {
    boolean twice = doubled.stream().anyMatch(layer -> parameter.startsWith(layer + "_"));
    return twice ? gradient.mul(0.5) : gradient;
  }

  /** Converts the network and compares everything. */
  public void check() {
    ConvertedNetwork converted = Dl4jConverter.on(net).like(batch).converters(converters).convert();
    Map<String, INDArray> feeds = converted.feeds(batch);
    compareActivations(converted, feeds);
    Map<String, INDArray> gradient = gradient(batch);
    double score = score();
    Extension[] extensions =
        curved
            ? new Extension[] {new BatchGrad(), new DiagGGNExact()}
            : new Extension[] {new BatchGrad()};
    try (ExtendedGraph graph = converted.extend(extensions)) {
      List<String> names = new ArrayList<>(graph.outputNames());
      List<String> losses = converted.losses().values().stream().flatMap(List::stream).toList();
      names.addAll(losses);
      Map<String, INDArray> results = graph.output(feeds, names);
      double loss = losses.stream().mapToDouble(l -> results.get(l).getDouble(0)).sum();
      assertThat(loss / samples()).as("score").isEqualTo(score, within(score));
      if (wrong) {
        brute(converted, feeds).verifier().entries(4).verify(results).orThrow();
        return;
      }
      compareGradients(converted, gradient, results);
      if (apart) {
        compareRows(converted, results);
      }
      if (curved) {
        verify(converted, feeds, results, gradient);
      }
    }
  }

  private org.assertj.core.data.Offset<Double> within(double size) {
    return org.assertj.core.data.Offset.offset(tolerance * Math.max(1, Math.abs(size)));
  }

  private long samples() {
    return batch.getFeatures(0).size(0);
  }

  // ---- DL4J's own ----

  private Map<String, INDArray> gradient(MultiDataSet data) {
    if (net instanceof ComputationGraph graph) {
      graph.setInputs(data.getFeatures());
      graph.setLabels(data.getLabels());
      graph.setLayerMaskArrays(data.getFeaturesMaskArrays(), data.getLabelsMaskArrays());
      graph.computeGradientAndScore();
      graph.clearLayerMaskArrays();
    } else if (net instanceof MultiLayerNetwork network) {
      network.setInput(data.getFeatures(0));
      network.setLabels(data.getLabels(0));
      network.setLayerMaskArrays(data.getFeaturesMaskArray(0), data.getLabelsMaskArray(0));
      network.computeGradientAndScore();
      network.clearLayerMaskArrays();
    }
    Map<String, INDArray> gradient = new LinkedHashMap<>();
    // locked parameters have a gradient too, in memory that is not there any more
    Set<String> parameters = net.paramTable().keySet();
    net.gradient()
        .gradientForVariable()
        .forEach(
            (k, v) -> {
              if (parameters.contains(k)) gradient.put(k, mended(k, v.dup()));
            });
    return gradient;
  }

  /** The score by itself: after a gradient, a LossLayer has overwritten its input. */
  private double score() {
    if (net instanceof ComputationGraph graph) {
      return graph.score(batch, true);
    }
    return ((MultiLayerNetwork) net)
        .score(
            new DataSet(
                batch.getFeatures(0),
                batch.getLabels(0),
                batch.getFeaturesMaskArray(0),
                batch.getLabelsMaskArray(0)),
            true);
  }

  private Map<String, INDArray> activations() {
    Map<String, INDArray> activations = new LinkedHashMap<>();
    if (net instanceof ComputationGraph graph) {
      graph.setLayerMaskArrays(batch.getFeaturesMaskArrays(), batch.getLabelsMaskArrays());
      graph.feedForward(batch.getFeatures(), true).forEach((k, v) -> activations.put(k, v.dup()));
      graph.clearLayerMaskArrays();
    } else if (net instanceof MultiLayerNetwork network) {
      network.setLayerMaskArrays(batch.getFeaturesMaskArray(0), batch.getLabelsMaskArray(0));
      network.setInput(batch.getFeatures(0));
      List<INDArray> all = network.feedForward(true);
      network.clearLayerMaskArrays();
      for (int k = 1; k < all.size(); k++) {
        activations.put(Integer.toString(k - 1), all.get(k).dup());
      }
    }
    return activations;
  }

  // ---- comparisons ----

  private void compareActivations(ConvertedNetwork converted, Map<String, INDArray> feeds) {
    SameDiff sd = converted.sameDiff();
    activations()
        .forEach(
            (name, expected) -> {
              INDArray actual =
                  sd.output(feeds, converted.activations(name)).get(converted.activations(name));
              compare("activations of " + name, expected, actual);
            });
  }

  private void compareGradients(
      ConvertedNetwork converted, Map<String, INDArray> gradient, Map<String, INDArray> results) {
    assertThat(converted.parameters()).isNotEmpty();
    for (String parameter : converted.parameters()) {
      INDArray own = results.get(parameter + ".grad");
      INDArray expected = gradient.get(parameter);
      if (expected == null) { // DL4J has none below a frozen layer
        assertThat(own.amaxNumber().doubleValue()).as("gradient of " + parameter).isZero();
        continue;
      }
      compare("gradient of " + parameter, expected.reshape(own.shape()), own);
      if (apart) {
        INDArray sum = results.get(parameter + ".grad_batch").sum(0).reshape(own.shape());
        compare("sum of the samples' gradients of " + parameter, own, sum);
      }
    }
    gradient.forEach(
        (name, array) -> {
          if (!results.containsKey(name + ".grad") && !isStatistic(name)) {
            assertThat(array.amaxNumber().doubleValue()).as("gradient of " + name).isZero();
          }
        });
  }

  /** What DL4J moves by rules of its own: statistics of batches, centres. */
  private static boolean isStatistic(String name) {
    return name.endsWith("_cL")
        || name.endsWith("_mean")
        || name.endsWith("_var")
        || name.endsWith("_log10stdev");
  }

  private void compareRows(ConvertedNetwork converted, Map<String, INDArray> results) {
    for (int n = 0; n < samples(); n++) {
      Map<String, INDArray> alone = gradient(sample(n));
      alone.values().forEach(g -> g.divi(2));
      for (String parameter : converted.parameters()) {
        INDArray rows = results.get(parameter + ".grad_batch");
        if (!alone.containsKey(parameter)) {
          continue;
        }
        INDArray row = rows.slice(n).reshape(alone.get(parameter).shape());
        compare("gradient of sample " + n + " of " + parameter, alone.get(parameter), row);
      }
    }
  }

  /** A sample, twice: M2.1 takes the mask of a single sample for one of single outputs. */
  private MultiDataSet sample(int n) {
    return new MultiDataSet(
        sample(batch.getFeatures(), n),
        sample(batch.getLabels(), n),
        sample(batch.getFeaturesMaskArrays(), n),
        sample(batch.getLabelsMaskArrays(), n));
  }

  private static INDArray[] sample(INDArray[] arrays, int n) {
    if (arrays == null) {
      return null;
    }
    return Arrays.stream(arrays).map(a -> a == null ? null : sample(a, n)).toArray(INDArray[]::new);
  }

  private static INDArray sample(INDArray array, int n) {
    INDArrayIndex[] index = new INDArrayIndex[array.rank()];
    Arrays.fill(index, NDArrayIndex.all());
    index[0] = NDArrayIndex.interval(n, n + 1);
    INDArray one = array.get(index);
    return Nd4j.concat(0, one, one);
  }

  /** Of parameters below a frozen layer brute force sees the curvature: it knows no such thing. */
  private static void verify(
      ConvertedNetwork converted,
      Map<String, INDArray> feeds,
      Map<String, INDArray> results,
      Map<String, INDArray> gradient) {
    Map<String, INDArray> diagonals = new LinkedHashMap<>();
    for (String parameter : converted.parameters()) {
      String name = parameter + ".diag_ggn_exact";
      if (gradient.containsKey(parameter)) {
        diagonals.put(name, results.get(name));
      }
    }
    brute(converted, feeds).verifier().entries(2).verify(diagonals).orThrow();
  }

  private static BruteForce brute(ConvertedNetwork converted, Map<String, INDArray> feeds) {
    BruteForce brute = BruteForce.on(converted.sameDiff(), feeds);
    return converted.predictions().isEmpty()
        ? brute
        : brute.predictions(converted.predictions().toArray(new String[0]));
  }

  private void compare(String what, INDArray expected, INDArray actual) {
    assertThat(expected).as(what + ", DL4J's").isNotNull();
    assertThat(actual.shape()).as("shape of " + what).isEqualTo(expected.shape());
    double size = Math.max(expected.amaxNumber().doubleValue(), 1e-3);
    double off = expected.sub(actual).amaxNumber().doubleValue();
    assertThat(off).as(what).isLessThanOrEqualTo(tolerance * size);
  }
}
