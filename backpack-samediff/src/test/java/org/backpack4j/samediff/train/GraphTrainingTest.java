package org.backpack4j.samediff.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.backpack4j.samediff.UnsupportedGraphException;
import org.backpack4j.samediff.extension.BatchGrad;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.listeners.At;
import org.nd4j.autodiff.listeners.BaseListener;
import org.nd4j.autodiff.listeners.ListenerResponse;
import org.nd4j.autodiff.listeners.ListenerVariables;
import org.nd4j.autodiff.listeners.Loss;
import org.nd4j.autodiff.listeners.Operation;
import org.nd4j.autodiff.listeners.profiler.ProfilingListener;
import org.nd4j.autodiff.listeners.records.History;
import org.nd4j.autodiff.listeners.records.LossCurve;
import org.nd4j.autodiff.loss.LossReduce;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.TrainingConfig;
import org.nd4j.autodiff.samediff.VariableType;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.autodiff.samediff.internal.Variable;
import org.nd4j.evaluation.classification.Evaluation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.dataset.api.iterator.TestDataSetIterator;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.AMSGrad;
import org.nd4j.linalg.learning.config.AdaDelta;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.learning.config.NoOp;
import org.nd4j.linalg.learning.config.RmsProp;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.schedule.ExponentialSchedule;
import org.nd4j.linalg.schedule.ScheduleType;

/** Planned steps of a graph leave behind what {@code sd.fit} does, and make the same calls. */
class GraphTrainingTest {
  private static final int SAMPLES = 14;

  private record Training(String name, Maker graph, Consumer<TrainingConfig.Builder> choices) {
    @Override
    public String toString() {
      return name;
    }
  }

  private interface Maker {
    SDVariable loss(SameDiff sd, SDVariable x, SDVariable y);
  }

  private static INDArray random(long seed, long... shape) {
    Random random = new Random(seed);
    double[] values = random.doubles(Nd4j.zeros(shape).length(), -1, 1).toArray();
    return Nd4j.createFromArray(values).reshape(shape).dup();
  }

  private static DataSet data() {
    INDArray labels = Nd4j.zeros(DataType.DOUBLE, SAMPLES, 3);
    for (int n = 0; n < SAMPLES; n++) {
      labels.putScalar(n, n * n % 3, 1);
    }
    return new DataSet(random(1, SAMPLES, 16), labels);
  }

  /** Batches of 4, the last of 2. */
  private static DataSetIterator batches() {
    return new TestDataSetIterator(data(), 4);
  }

  private static SDVariable dense(SameDiff sd, SDVariable x, SDVariable y, LossReduce reduce) {
    SDVariable hidden =
        sd.math().tanh(x.mmul(sd.var("w1", random(2, 16, 5))).add(sd.var("b1", random(3, 5))));
    SDVariable logits = hidden.mmul(sd.var("w2", random(4, 5, 3))).add(sd.var("b2", random(5, 3)));
    sd.nn().softmax("out", logits, 1);
    return sd.loss().softmaxCrossEntropy("loss", y, logits, null, reduce, 0);
  }

  private static SDVariable dense(SameDiff sd, SDVariable x, SDVariable y) {
    return dense(sd, x, y, LossReduce.MEAN_BY_NONZERO_WEIGHT_COUNT);
  }

  private static SDVariable summed(SameDiff sd, SDVariable x, SDVariable y) {
    return dense(sd, x, y, LossReduce.SUM);
  }

  private static SDVariable convolution(SameDiff sd, SDVariable x, SDVariable y) {
    SDVariable image = x.reshape(-1, 1, 4, 4);
    Conv2DConfig config = Conv2DConfig.builder().kH(3).kW(3).sH(1).sW(1).build();
    SDVariable kernel = sd.var("k", random(6, 3, 3, 1, 2));
    SDVariable features = sd.nn().relu(sd.cnn().conv2d(image, kernel, config), 0).reshape(-1, 8);
    SDVariable logits = features.mmul(sd.var("w", random(7, 8, 3)));
    sd.nn().softmax("out", logits, 1);
    return sd.loss().softmaxCrossEntropy("loss", y, logits, null);
  }

  private static SDVariable twoLosses(SameDiff sd, SDVariable x, SDVariable y) {
    SDVariable out = x.mmul(sd.var("w", random(8, 16, 3)));
    sd.loss().meanSquaredError("squares", y, out, null).markAsLoss();
    sd.nn().softmax("out", out, 1);
    return sd.loss().absoluteDifference("loss", y, out, null);
  }

  /** One parameter that no loss reads: {@code fit} leaves it as it is, weight decay included. */
  private static SDVariable spare(SameDiff sd, SDVariable x, SDVariable y) {
    sd.math().tanh(sd.var("spare", random(9, 4)));
    return dense(sd, x, y);
  }

  private static Stream<Training> trainings() {
    return Stream.of(
        new Training("sgd", GraphTrainingTest::dense, c -> c.updater(new Sgd(0.1))),
        new Training("sum", GraphTrainingTest::summed, c -> c.updater(new Sgd(0.02))),
        new Training("adam", GraphTrainingTest::dense, c -> c.updater(new Adam(0.01))),
        new Training("amsgrad", GraphTrainingTest::convolution, c -> c.updater(new AMSGrad(0.01))),
        new Training("ada delta", GraphTrainingTest::dense, c -> c.updater(new AdaDelta())),
        new Training("no updater", GraphTrainingTest::dense, c -> c.updater(new NoOp())),
        new Training(
            "l1, l2",
            GraphTrainingTest::dense,
            c -> c.updater(new RmsProp(0.01)).l1(0.01).l2(0.02)),
        new Training(
            "weight decay",
            GraphTrainingTest::spare,
            c -> c.updater(new Nesterovs(0.05, 0.9)).weightDecay(0.01, true)),
        new Training(
            "schedule",
            GraphTrainingTest::convolution,
            c -> c.updater(new Adam(new ExponentialSchedule(ScheduleType.ITERATION, 0.05, 0.9)))),
        new Training("two losses", GraphTrainingTest::twoLosses, c -> c.updater(new Adam(0.01))),
        new Training(
            "maximise", GraphTrainingTest::dense, c -> c.updater(new Sgd(0.1)).minimize(false)));
  }

  private static SameDiff graph(Training training) {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 16);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 3);
    training.graph().loss(sd, x, y).markAsLoss();
    TrainingConfig.Builder config =
        TrainingConfig.builder()
            .dataSetFeatureMapping("x")
            .dataSetLabelMapping("y")
            .trainEvaluation("out", 0, new Evaluation())
            .validationEvaluation("out", 0, new Evaluation());
    training.choices().accept(config);
    sd.setTrainingConfig(config.build());
    return sd;
  }

  private static Map<String, double[]> parameters(SameDiff sd) {
    Map<String, double[]> all = new LinkedHashMap<>();
    for (SDVariable variable : sd.variables()) {
      if (variable.getVariableType() == VariableType.VARIABLE) {
        all.put(variable.name(), variable.getArr().dup('c').data().asDouble());
      }
    }
    return all;
  }

  private static void assertClose(Map<String, double[]> actual, Map<String, double[]> expected) {
    assertThat(actual.keySet()).isEqualTo(expected.keySet());
    actual.forEach(
        (name, values) ->
            assertThat(values).as(name).containsExactly(expected.get(name), within(1e-9)));
  }

  /** Writes down every call, numbers included. */
  private static final class Diary extends BaseListener {
    private final List<String> lines = new ArrayList<>();
    private final List<Loss> losses = new ArrayList<>();
    private int stopAt = -1;

    @Override
    public boolean isActive(Operation operation) {
      return true;
    }

    @Override
    public ListenerVariables requiredVariables(SameDiff sd) {
      return ListenerVariables.builder().trainingVariables("out").build();
    }

    @Override
    public void operationStart(SameDiff sd, Operation op) {
      lines.add("start " + op);
    }

    @Override
    public void operationEnd(SameDiff sd, Operation op) {
      lines.add("end " + op);
    }

    @Override
    public void epochStart(SameDiff sd, At at) {
      lines.add("epoch " + at.epoch());
    }

    @Override
    public ListenerResponse epochEnd(SameDiff sd, At at, LossCurve curve, long milliseconds) {
      lines.add("epoch ends " + at.epoch());
      return at.epoch() == stopAt ? ListenerResponse.STOP : ListenerResponse.CONTINUE;
    }

    @Override
    public ListenerResponse validationDone(SameDiff sd, At at, long milliseconds) {
      lines.add("validated " + at.epoch());
      return ListenerResponse.CONTINUE;
    }

    @Override
    public void iterationStart(
        SameDiff sd, At at, org.nd4j.linalg.dataset.api.MultiDataSet data, long milliseconds) {
      lines.add(at.operation() + " step " + at.iteration() + " of " + data.getFeatures(0).size(0));
    }

    @Override
    public void iterationDone(
        SameDiff sd, At at, org.nd4j.linalg.dataset.api.MultiDataSet data, Loss loss) {
      lines.add("done " + at.iteration());
      if (loss != null) {
        losses.add(loss);
      }
    }

    @Override
    public void activationAvailable(
        SameDiff sd,
        At at,
        org.nd4j.linalg.dataset.api.MultiDataSet batch,
        SameDiffOp op,
        String name,
        INDArray activation) {
      if (name.equals("out") && at.operation() == Operation.TRAINING) {
        lines.add(name + " " + rounded(activation.sumNumber().doubleValue()));
      }
    }

    private final Map<String, String> updates = new TreeMap<>();

    @Override
    public void preUpdate(SameDiff sd, At at, Variable variable, INDArray update) {
      updates.put(
          at.iteration() + " " + variable.getName(), rounded(update.norm2Number().doubleValue()));
    }

    private static String rounded(double value) {
      return String.format("%.7f", value + 1e-12);
    }
  }

  @ParameterizedTest
  @MethodSource("trainings")
  void leavesWhatFitLeaves(Training training) {
    SameDiff plain = graph(training);
    SameDiff planned = graph(training);
    Diary expected = new Diary();
    Diary actual = new Diary();
    DataSetIterator validation = new TestDataSetIterator(data(), 5);
    History wanted = plain.fit(batches(), 20, validation, 2, expected);
    History had;
    try (GraphTraining steps = GraphTraining.of(planned)) {
      had = steps.listeners(actual).validate(validation, 2).fit(batches(), 20);
    }
    assertClose(parameters(planned), parameters(plain));
    assertThat(planned.getTrainingConfig().getIterationCount()).isEqualTo(80);
    assertThat(planned.getTrainingConfig().getEpochCount()).isEqualTo(20);
    assertThat(actual.lines).isEqualTo(expected.lines);
    assertThat(actual.updates).isEqualTo(expected.updates).isNotEmpty();
    assertThat(had.lossCurve().losses()).hasSize(20);
    assertThat(had.trainingEval(Evaluation.Metric.ACCURACY))
        .isEqualTo(wanted.trainingEval(Evaluation.Metric.ACCURACY));
    assertThat(had.validationEval(Evaluation.Metric.ACCURACY))
        .isEqualTo(wanted.validationEval(Evaluation.Metric.ACCURACY))
        .hasSize(10);

    plain.fit(batches(), 2); // with the state of the updaters
    planned.fit(batches(), 2);
    assertClose(parameters(planned), parameters(plain));
  }

  private static Training adam() {
    return new Training("adam", GraphTrainingTest::dense, c -> c.updater(new Adam(0.01)));
  }

  /** M2.1's own {@code fit} tells zero for a loss op whose value its gradient does not need. */
  @Test
  void lossesAreThoseOfTheGraphBeforeEachStep() {
    Training training =
        new Training("l2", GraphTrainingTest::dense, c -> c.updater(new Sgd(0.1)).l2(0.02));
    SameDiff sd = graph(training);
    Map<String, INDArray> feeds = Map.of("x", data().getFeatures(), "y", data().getLabels());
    double loss = sd.outputSingle(feeds, "loss").getDouble(0);
    double penalty = sd.calcRegularizationScore();
    Diary diary = new Diary();
    try (GraphTraining steps = GraphTraining.of(sd).listeners(diary)) {
      steps.fit(data());
    }
    assertThat(diary.losses.get(0).getLosses())
        .containsExactly(new double[] {loss, penalty}, within(1e-12));
    assertThat(diary.losses.get(0).getLossNames()).containsExactly("loss", "L2Regularization");
  }

  @Test
  void goesOnFromFit() {
    SameDiff plain = graph(adam());
    SameDiff planned = graph(adam());
    plain.fit(batches(), 4);
    planned.fit(batches(), 2);
    try (GraphTraining steps = GraphTraining.of(planned)) {
      steps.fit(batches(), 2);
    }
    assertClose(parameters(planned), parameters(plain));
  }

  @Test
  void oneBatchIsAnIterationAndNoEpoch() {
    SameDiff plain = graph(adam());
    SameDiff planned = graph(adam());
    plain.fit(data());
    try (GraphTraining steps = GraphTraining.of(planned)) {
      steps.fit(data());
    }
    assertClose(parameters(planned), parameters(plain));
    assertThat(planned.getTrainingConfig().getIterationCount()).isEqualTo(1);
    assertThat(planned.getTrainingConfig().getEpochCount()).isZero();
  }

  @Test
  void aListenerStopsTheTraining() {
    SameDiff plain = graph(adam());
    SameDiff planned = graph(adam());
    Diary expected = new Diary();
    Diary actual = new Diary();
    expected.stopAt = 2;
    actual.stopAt = 2;
    plain.fit(batches(), 6, expected);
    try (GraphTraining steps = GraphTraining.of(planned).listeners(actual)) {
      steps.fit(batches(), 6);
    }
    assertThat(actual.lines).isEqualTo(expected.lines);
    assertThat(planned.getTrainingConfig().getEpochCount()).isEqualTo(3);
    assertClose(parameters(planned), parameters(plain));
  }

  @Test
  void quantitiesAreOfTheParametersBeforeTheStep() {
    SameDiff planned = graph(adam());
    double[] before = parameters(planned).get("w2");
    List<double[]> sums = new ArrayList<>();
    try (GraphTraining steps = GraphTraining.of(planned, new BatchGrad())) {
      steps
          .quantities(
              (at, results) -> {
                assertThat(parameters(planned).get("w2")).isEqualTo(before);
                INDArray rows = results.get("w2", BatchGrad.class);
                assertThat(rows.shape()).containsExactly(SAMPLES, 5, 3);
                sums.add(rows.sum(0).data().asDouble());
                sums.add(results.gradient("w2").dup('c').data().asDouble());
              })
          .fit(data());
    }
    assertThat(sums.get(0)).containsExactly(sums.get(1), within(1e-12));
    assertThat(parameters(planned).get("w2")).isNotEqualTo(before);
  }

  @Test
  void whatTheTakerThrowsEndsTheTrainingBeforeTheStep() {
    SameDiff planned = graph(adam());
    Map<String, double[]> before = parameters(planned);
    try (GraphTraining steps = GraphTraining.of(planned, new BatchGrad())) {
      steps.quantities(
          (at, results) -> {
            throw new IllegalStateException("mine");
          });
      assertThatThrownBy(() -> steps.fit(batches(), 1)).hasMessage("mine");
    }
    before.forEach((name, values) -> assertThat(parameters(planned).get(name)).isEqualTo(values));
  }

  @Test
  void refusesWhatItCannotTakeOver(@TempDir Path directory) {
    SameDiff sd = graph(adam());
    try (GraphTraining steps = GraphTraining.of(sd)) {
      ProfilingListener profiler =
          ProfilingListener.builder(directory.resolve("profile.json").toFile()).build();
      assertThatThrownBy(() -> steps.listeners(profiler))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("ProfilingListener hears each op")
          .hasMessageContaining("sd.fit");
      assertThatThrownBy(() -> steps.fit(batches(), 0)).hasMessageContaining("0 epochs");
      sd.math().tanh(sd.getVariable("loss"));
      assertThatThrownBy(() -> steps.fit(batches(), 1))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("GraphTraining.of");
    }
    SameDiff noConfig = SameDiff.create();
    assertThatThrownBy(() -> GraphTraining.of(noConfig)).hasMessageContaining("setTrainingConfig");
    Training random =
        new Training(
            "random",
            (g, x, y) -> dense(g, x.mul(g.random().bernoulli(0.5, DataType.DOUBLE, 16)), y),
            c -> c.updater(new Sgd(0.1)));
    assertThatThrownBy(() -> GraphTraining.of(graph(random)))
        .isInstanceOf(UnsupportedGraphException.class)
        .hasMessageContaining("random");
  }
}
