package org.backpack4j.dl4j.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.assertj.core.data.Offset;
import org.backpack4j.dl4j.BackPackListener;
import org.backpack4j.dl4j.internal.report.Observer;
import org.backpack4j.dl4j.testing.Nets;
import org.backpack4j.dl4j.train.PlannedTraining;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.BatchL2Grad;
import org.backpack4j.samediff.extension.DiagGGNMC;
import org.backpack4j.samediff.extension.GradAlignment;
import org.backpack4j.samediff.extension.Variance;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.nd4j.shade.jackson.databind.JsonNode;
import org.nd4j.shade.jackson.databind.ObjectMapper;

class TrainingReportTest {
  private static final int N = 8;
  private static final double RATE = 0.05;

  @TempDir Path folder;

  @BeforeEach
  void seed() {
    Nd4j.getRandom().setSeed(17);
  }

  private static MultiLayerNetwork net() {
    return Nets.sequential(
        Nets.builder().updater(new Sgd(RATE)),
        InputType.convolutional(6, 6, 1),
        new ConvolutionLayer.Builder(3, 3).nOut(4).activation(Activation.RELU).build(),
        new DenseLayer.Builder().nOut(6).activation(Activation.RELU).build(),
        new OutputLayer.Builder(LossFunction.MCXENT)
            .nOut(3)
            .activation(Activation.SOFTMAX)
            .build());
  }

  private static List<DataSet> batches(int count) {
    return IntStream.range(0, count)
        .mapToObj(
            k -> {
              INDArray y = Nd4j.zeros(DataType.DOUBLE, N, 3);
              for (int n = 0; n < N; n++) {
                y.putScalar(n, (n + k) % 3, 1);
              }
              return new DataSet(Nd4j.randn(DataType.DOUBLE, N, 1, 6, 6), y);
            })
        .toList();
  }

  private List<JsonNode> fitted(MultiLayerNetwork net, TrainingReport report, List<DataSet> data)
      throws IOException {
    Path file = folder.resolve("log.jsonl");
    net.addListeners(report.logTo(file));
    data.forEach(net::fit);
    report.close();
    ObjectMapper json = new ObjectMapper();
    return Files.readAllLines(file).stream().map(line -> read(json, line)).toList();
  }

  /** Every number by the samples' gradients and by the parameters before and after. */
  @Test
  void theNumbersAreThoseOfTheirDefinitions() throws IOException {
    MultiLayerNetwork net = net();
    INDArray start = flat(net);
    List<DataSet> data = batches(3);
    BackPackListener rows = new BackPackListener(new BatchGrad());
    INDArray[] samples = new INDArray[3];
    rows.onStep(
        step -> {
          INDArray all = flat(net, step.quantities().outputs(), ".grad_batch");
          samples[step.iteration()] = all;
        });
    INDArray[] parameters = new INDArray[4];
    parameters[0] = start;
    net.addListeners(rows);
    Path file = folder.resolve("log.jsonl");
    TrainingReport report = TrainingReport.economy().every(1).logTo(file);
    net.addListeners(report);
    for (int k = 0; k < 3; k++) {
      net.fit(data.get(k));
      parameters[k + 1] = flat(net);
    }
    report.close();
    ObjectMapper json = new ObjectMapper();
    List<JsonNode> lines = Files.readAllLines(file).stream().map(l -> read(json, l)).toList();
    assertThat(lines).hasSize(3);
    assertThat(report.observed()).isEqualTo(3);
    for (int k = 0; k < 3; k++) {
      JsonNode line = lines.get(k);
      INDArray g = samples[k]; // [N, P]
      INDArray mean = g.mean(0);
      double square = mean.mul(mean).sumNumber().doubleValue();
      double all = g.mul(g).sumNumber().doubleValue();
      INDArray products = g.mmul(mean.reshape(-1, 1));
      double squares = products.mul(products).sumNumber().doubleValue();
      double scale = 1.0 / (N * (N - 1.0));
      is(line, "gradient_norm", Math.sqrt(square));
      is(line, "norm_test", Math.sqrt(scale * (all - N * square) / square));
      is(
          line,
          "inner_product_test",
          Math.sqrt(scale * (squares - N * square * square) / (square * square)));
      is(line, "orthogonality_test", Math.sqrt(scale * (all - squares / square) / square));
      double trace = g.var(true, 0).sumNumber().doubleValue();
      is(line, "trace_of_covariance", trace);
      is(line, "squared_mean", square - trace / N);
      INDArray variance = g.var(false, 0);
      double ratios = 0;
      int varying = 0;
      for (int p = 0; p < variance.length(); p++) {
        if (variance.getDouble(p) > 0) {
          ratios += Math.pow(mean.getDouble(p), 2) / variance.getDouble(p);
          varying++;
        }
      }
      is(line, "mean_gsnr", ratios / varying);
      is(line, "early_stopping", 1 - (N - 1) * ratios / varying);
      INDArray step = parameters[k + 1].sub(parameters[k]);
      is(line, "layers", "update_size", norm(step));
      is(line, "layers", "distance", norm(parameters[k].sub(start)));
      assertThat(line.get("batch").asInt()).isEqualTo(N);
      if (k < 2) {
        double before = dot(mean, step);
        double behind = dot(samples[k + 1].mean(0), step);
        is(line, "alpha", -behind / before);
      } else {
        assertThat(line.get("alpha").isNull()).isTrue();
      }
      double worst = 0;
      for (int n = 0; n < N; n++) {
        worst = Math.max(worst, norm(g.getRow(n)));
      }
      assertThat(line.get("largest_samples").get(0).get("norm").asDouble())
          .isCloseTo(worst, Offset.offset(1e-9));
    }
  }

  /** Where no sample has a gradient, none has a share of it. */
  @Test
  void gradientsOfZeroHaveNoShares() throws IOException {
    MultiLayerNetwork net =
        new MultiLayerNetwork(
            new NeuralNetConfiguration.Builder()
                .seed(2)
                .dataType(DataType.DOUBLE)
                .biasInit(-100)
                .list()
                .layer(
                    new OutputLayer.Builder(LossFunction.MSE)
                        .nIn(4)
                        .nOut(3)
                        .activation(Activation.RELU)
                        .build())
                .build());
    net.init();
    DataSet batch = new DataSet(Nd4j.rand(DataType.DOUBLE, 5, 4), Nd4j.rand(DataType.DOUBLE, 5, 3));
    TrainingReport report = TrainingReport.economy().every(1);
    JsonNode line = fitted(net, report, List.of(batch, batch)).get(0);
    assertThat(line.get("gradient_norm").asDouble()).isZero();
    assertThat(line.get("largest_samples").get(0).get("share").isNull()).isTrue();
    assertThat(report.html()).contains("sample 0 of the batch: norm 0.00<").doesNotContain("NaN");
  }

  private static JsonNode read(ObjectMapper json, String line) {
    try {
      return json.readTree(line);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static void is(JsonNode line, String field, double expected) {
    assertThat(line.get(field).asDouble())
        .as(field)
        .isCloseTo(expected, Offset.offset(1e-8 * Math.max(1, Math.abs(expected))));
  }

  /** A norm over all layers. */
  private static void is(JsonNode line, String layers, String field, double expected) {
    double sum = 0;
    for (JsonNode layer : line.get(layers)) {
      sum += Math.pow(layer.get(field).asDouble(), 2);
    }
    assertThat(Math.sqrt(sum)).as(field).isCloseTo(expected, Offset.offset(1e-9));
  }

  /** [N, P], the parameters in the network's order; each step's parameters in 'f' or 'c' alike. */
  private static INDArray flat(
      MultiLayerNetwork net, java.util.Map<String, INDArray> outputs, String field) {
    return Nd4j.concat(
        1,
        net.paramTable().keySet().stream()
            .map(p -> outputs.get(p + field))
            .map(a -> a.dup('c').reshape(a.size(0), a.length() / a.size(0)))
            .toArray(INDArray[]::new));
  }

  /** The parameters in the same arrangement, [P]. */
  private static INDArray flat(MultiLayerNetwork net) {
    return Nd4j.concat(
        0,
        net.paramTable().values().stream()
            .map(a -> a.dup('c').reshape(a.length()))
            .toArray(INDArray[]::new));
  }

  private static double norm(INDArray a) {
    return a.norm2Number().doubleValue();
  }

  private static double dot(INDArray a, INDArray b) {
    return a.mul(b).sumNumber().doubleValue();
  }

  @Test
  void curvatureIsTheMeanLosss() throws IOException {
    MultiLayerNetwork net = net();
    BackPackListener diagonal =
        new BackPackListener(new DiagGGNMC(), new BatchGrad())
            .scale(org.backpack4j.dl4j.Scale.MEAN);
    double[] trace = new double[1];
    double[] moments = new double[1];
    diagonal.onStep(
        step -> {
          INDArray g = flat(net, step.quantities().outputs(), ".grad_batch");
          moments[0] = N * g.mul(g).sumNumber().doubleValue();
          for (String p : net.paramTable().keySet()) {
            trace[0] += step.quantities().get(p, DiagGGNMC.class).sumNumber().doubleValue();
          }
        });
    net.addListeners(diagonal);
    JsonNode line = fitted(net, TrainingReport.business().every(1), batches(1)).get(0);
    double sum = 0;
    for (JsonNode layer : line.get("layers")) {
      sum += layer.get("curvature").asDouble();
    }
    assertThat(sum).isCloseTo(trace[0], Offset.offset(1e-9 * trace[0]));
    is(line, "takeuchi", moments[0] / trace[0]);
  }

  /** Where the curvature is refused, as a lenient listener does, the rest is there. */
  @Test
  void withoutCurvatureTheRestIsThere() {
    MultiLayerNetwork net = net();
    Observer observer = new Observer();
    BackPackListener economy =
        new BackPackListener(new BatchL2Grad(), new GradAlignment(), new Variance())
            .onStepOf((model, step) -> observer.begin(model, step, true));
    net.addListeners(economy);
    net.fit(batches(1).get(0));
    assertThat(observer.largest()).isNotEmpty();
  }

  @Test
  void trainingIsTheSameBitForBit() throws IOException {
    MultiLayerNetwork plain = net();
    MultiLayerNetwork watched = plain.clone();
    List<DataSet> data = batches(12);
    data.forEach(plain::fit);
    Path page = folder.resolve("report.html");
    assertThat(fitted(watched, TrainingReport.business().every(3).writeTo(page), data)).hasSize(4);
    assertThat(watched.params()).isEqualTo(plain.params());
    assertThat(page).exists();
  }

  @Test
  void plannedTrainingHasOneToo() throws IOException {
    MultiLayerNetwork net = net();
    MultiLayerNetwork same = net.clone();
    List<DataSet> data = batches(6);
    List<JsonNode> expected = fitted(net, TrainingReport.economy().every(2), data);
    Path file = folder.resolve("planned.jsonl");
    TrainingReport report = TrainingReport.economy().every(2).logTo(file);
    same.addListeners(report);
    PlannedTraining training = PlannedTraining.of(same);
    data.forEach(training::fit);
    report.close();
    ObjectMapper json = new ObjectMapper();
    List<JsonNode> lines = Files.readAllLines(file).stream().map(l -> read(json, l)).toList();
    assertThat(lines).hasSameSizeAs(expected).hasSize(3);
    for (int k = 0; k < 3; k++) {
      for (String field : new String[] {"score", "gradient_norm", "alpha", "norm_test"}) {
        is(lines.get(k), field, expected.get(k).get(field).asDouble());
      }
    }
  }

  /** What one listener does with its arrays is not seen by another. */
  @Test
  void aReportAndAListenerOfOnePassHaveArraysOfTheirOwn() {
    MultiLayerNetwork net = net();
    BackPackListener other = new BackPackListener(new BatchGrad()).lenient();
    net.addListeners(TrainingReport.economy().every(1), other);
    PlannedTraining training = PlannedTraining.of(net);
    for (DataSet batch : batches(3)) {
      training.fit(batch);
      INDArray sum = other.get("1_W", BatchGrad.class).sum(0);
      INDArray gradient = other.latest().quantities().gradient("1_W");
      assertThat(gradient.sub(sum).amaxNumber().doubleValue()).isLessThan(1e-12);
    }
  }

  /** Running averages move by rules of their own: they are neither a step nor a slope. */
  @Test
  void runningAveragesAreNoStep() throws IOException {
    MultiLayerNetwork net =
        Nets.sequential(
            Nets.builder().updater(new Sgd(1e-4)),
            InputType.feedForward(4),
            new BatchNormalization.Builder().build(),
            new OutputLayer.Builder(LossFunction.MCXENT)
                .nOut(3)
                .activation(Activation.SOFTMAX)
                .build());
    DataSet data = batches(1).get(0);
    DataSet large =
        new DataSet(Nd4j.randn(DataType.DOUBLE, N, 4).muli(100).addi(200), data.getLabels());
    List<JsonNode> lines =
        fitted(net, TrainingReport.economy().every(1), List.of(large, large, large));
    for (JsonNode line : lines) {
      assertThat(line.get("layers").get("0").get("update_size").asDouble()).isLessThan(1e-2);
    }
    // the same batch, and steps that are far too small
    assertThat(lines.get(1).get("alpha").asDouble()).isLessThan(-0.99);
  }

  @Test
  void aSecondNetworkIsNotObserved() {
    MultiLayerNetwork first = net();
    MultiLayerNetwork second = net();
    TrainingReport report = TrainingReport.economy().every(1);
    first.addListeners(report);
    second.addListeners(report);
    List<DataSet> data = batches(4);
    for (DataSet batch : data) {
      first.fit(batch);
      second.fit(batch);
    }
    report.close();
    assertThat(report.observed()).isEqualTo(4);
  }

  /** What cannot be written stops the page, not the training. */
  @Test
  void aPageThatCannotBeWrittenIsNotTheTrainings() {
    MultiLayerNetwork net = net();
    TrainingReport report =
        TrainingReport.economy().every(1).writeTo(folder.resolve("no/such/folder/report.html"));
    net.addListeners(report);
    INDArray before = net.params().dup();
    batches(3).forEach(net::fit);
    report.close();
    assertThat(net.params()).isNotEqualTo(before);
    assertThat(report.html()).contains("Training report");
  }

  @Test
  void thePageStandsByItself() {
    MultiLayerNetwork net = net();
    TrainingReport report =
        TrainingReport.business().every(1).titled("a <b> title").writeTo(folder.resolve("r.html"));
    net.addListeners(report);
    batches(7).forEach(net::fit);
    report.close();
    String html = report.html();
    assertThat(html)
        .contains("a &lt;b&gt; title", "<svg", "Noise tests", "Takeuchi", "data:image/png;base64,")
        .doesNotContain("http:", "https:", "<script", "NaN");
    assertThat(html.split("<figure>", -1)).hasSize(12);
  }
}
