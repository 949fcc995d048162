package org.backpack4j.dl4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.backpack4j.dl4j.train.SmallImages.batches;
import static org.backpack4j.dl4j.train.SmallImages.fit;
import static org.backpack4j.dl4j.train.SmallImages.softmax;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.backpack4j.dl4j.BackPackListener;
import org.backpack4j.dl4j.Scale;
import org.backpack4j.dl4j.testing.Nets;
import org.backpack4j.samediff.QuantityResults;
import org.backpack4j.samediff.curvature.Curvature;
import org.backpack4j.samediff.curvature.DampedCurvature;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.KFLR;
import org.backpack4j.samediff.extension.SqrtGGNExact;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.GradientNormalization;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.constraint.MaxNormConstraint;
import org.deeplearning4j.nn.conf.graph.rnn.LastTimeStepVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.DropoutLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.weightnoise.DropConnect;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.learning.config.NoOp;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.nd4j.linalg.schedule.ScheduleType;
import org.nd4j.linalg.schedule.StepSchedule;

class ModelledStepsTest {
  private static final double DAMPING = 0.05;

  @BeforeEach
  void seed() {
    Nd4j.getRandom().setSeed(31);
  }

  private static NeuralNetConfiguration.Builder whole() {
    return Nets.builder().updater(new Sgd(1));
  }

  private static double score(Model net, DataSet batch) {
    return net instanceof ComputationGraph graph
        ? graph.score(batch, true)
        : ((MultiLayerNetwork) net).score(batch, true);
  }

  /** What a step is made of, by another way than the products with vectors. */
  private static final class ByHand {
    private final KFLR factors = new KFLR();
    private final SqrtGGNExact root = new SqrtGGNExact();
    private final BackPackListener listener =
        new BackPackListener(factors, root).scale(Scale.MEAN).onStep(s -> now = s.quantities());
    private QuantityResults now = new QuantityResults(Map.of(), List.of());

    Curvature ggn() {
      return Curvature.of(now, root);
    }

    DampedCurvature preconditioner(double damping) {
      return Curvature.of(now, factors).withFactoredDamping().damped(damping);
    }

    INDArray gradient() {
      Map<String, INDArray> parts = new LinkedHashMap<>();
      ggn().layout().names().forEach(p -> parts.put(p, now.gradient(p)));
      return ggn().layout().join(parts);
    }

    INDArray parameters(Model net) {
      Map<String, INDArray> parts = new LinkedHashMap<>();
      for (String p : ggn().layout().names()) {
        parts.put(p, net.getParam(p).dup('c').reshape(ggn().layout().shape(p)));
      }
      return ggn().layout().join(parts);
    }

    /** ½ sᵀ (G + δ) s + ḡᵀ s. */
    double change(INDArray s, double damping) {
      return dot(gradient(), s) + dot(s, times(s, damping)) / 2;
    }

    INDArray times(INDArray v, double damping) {
      return ggn().times(v.reshape(1, v.length())).reshape(v.length()).add(v.mul(damping));
    }

    INDArray natural(double damping) {
      INDArray g = gradient();
      return preconditioner(damping).solve(g.reshape(1, g.length())).reshape(g.length()).neg();
    }

    static double dot(INDArray a, INDArray b) {
      return a.mul(b).sumNumber().doubleValue();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void lengthAndMomentumAreTheQuadraticModelsMinimum(boolean ofGraph) {
    Model net = ofGraph ? SmallImages.graph(whole()) : SmallImages.net(whole());
    ByHand hand = new ByHand();
    List<KfacStep> told = new ArrayList<>();
    Kfac kfac =
        Kfac.preconditioner(new KFLR())
            .damping(DAMPING)
            .decay(0)
            .every(1, 1)
            .exactMomentum()
            .onStep(told::add);
    List<DataSet> data = batches(6, 5, 7, 6);
    net.setListeners(hand.listener, kfac.check(net, data.get(0)));
    INDArray last = null;
    for (DataSet batch : data) {
      INDArray before = net.params().dup();
      INDArray copy = copied(net, hand, batch);
      INDArray moved = hand.parameters(net).sub(copy);
      assertThat(net.params()).isNotEqualTo(before);
      INDArray natural = hand.natural(DAMPING);
      double slope = ByHand.dot(hand.gradient(), natural);
      double a = ByHand.dot(natural, hand.times(natural, DAMPING));
      INDArray expected;
      if (last == null) {
        expected = natural.mul(-slope / a);
      } else {
        double b = ByHand.dot(natural, hand.times(last, DAMPING));
        double c = ByHand.dot(last, hand.times(last, DAMPING));
        double other = ByHand.dot(hand.gradient(), last);
        double d = a * c - b * b;
        expected =
            natural.mul((b * other - c * slope) / d).add(last.mul((b * slope - a * other) / d));
      }
      assertThat(moved.sub(expected).amaxNumber().doubleValue()).isLessThan(1e-9);
      KfacStep step = told.get(told.size() - 1);
      assertThat(step.modelChange()).isNegative();
      assertThat(step.modelChange()).isCloseTo(hand.change(moved, DAMPING), within(1e-10));
      assertThat(step.momentum() == 0).isEqualTo(last == null);
      assertThat(step.iteration()).isEqualTo(told.size() - 1);
      last = moved;
    }
  }

  /** Trains by a batch, and answers the parameters from before. */
  private static INDArray copied(Model net, ByHand hand, DataSet batch) {
    Map<String, INDArray> before = new LinkedHashMap<>();
    net.paramTable().forEach((name, p) -> before.put(name, p.dup('c')));
    fit(net, batch);
    before.replaceAll((name, p) -> p.reshape(hand.ggn().layout().shape(name)));
    return hand.ggn().layout().join(before);
  }

  @Test
  void withoutMomentumTheLengthAloneIsChosen() {
    MultiLayerNetwork net = SmallImages.net(whole().updater(new NoOp()));
    ByHand hand = new ByHand();
    net.setListeners(
        hand.listener,
        Kfac.preconditioner(new KFLR()).damping(DAMPING).decay(0).every(1, 1).exactLearningRate());
    for (DataSet batch : batches(6, 5)) {
      INDArray before = copied(net, hand, batch);
      INDArray moved = hand.parameters(net).sub(before);
      INDArray natural = hand.natural(DAMPING);
      double rate =
          -ByHand.dot(hand.gradient(), natural) / ByHand.dot(natural, hand.times(natural, DAMPING));
      assertThat(moved.sub(natural.mul(rate)).amaxNumber().doubleValue()).isLessThan(1e-9);
    }
  }

  /** Whatever updater is behind: the model is asked for the step that was made. */
  @ParameterizedTest
  @ValueSource(strings = {"sgd", "nesterovs", "adam", "exact"})
  void theDampingFollowsTheReductionRatio(String updater) {
    MultiLayerNetwork net =
        SmallImages.net(
            switch (updater) {
              case "sgd" -> whole().updater(new Sgd(0.7));
              case "nesterovs" -> whole().updater(new Nesterovs(0.1, 0.9)).l2(0.01);
              case "adam" -> whole().updater(new Adam(0.02));
              default -> whole();
            });
    ByHand hand = new ByHand();
    List<KfacStep> told = new ArrayList<>();
    Kfac kfac =
        Kfac.preconditioner(new KFLR())
            .damping(DAMPING)
            .decay(0)
            .every(1, 1)
            .adaptDamping(2)
            .onStep(told::add);
    net.setListeners(hand.listener, updater.equals("exact") ? kfac.exactMomentum() : kfac);
    double damping = DAMPING;
    double omega = 0.95 * 0.95;
    int adapted = 0;
    for (DataSet batch : batches(6, 5, 7, 6, 6, 6)) {
      double penalty = net.calcRegularizationScore(true);
      double before = score(net, batch) - penalty;
      INDArray parameters = copied(net, hand, batch);
      INDArray moved = hand.parameters(net).sub(parameters);
      double after = score(net, batch) - net.calcRegularizationScore(true);
      KfacStep step = told.get(told.size() - 1);
      assertThat(step.damping()).isCloseTo(damping, within(1e-12));
      if (told.size() % 2 == 1) {
        assertThat(step.reductionRatio()).isNaN();
        continue;
      }
      double change = hand.change(moved, damping);
      assertThat(step.modelChange()).isCloseTo(change, within(1e-9));
      if (change >= 0) {
        assertThat(step.reductionRatio()).isNaN();
        continue;
      }
      double ratio = (after - before) / change;
      assertThat(step.reductionRatio()).isCloseTo(ratio, within(1e-6));
      damping = ratio > 0.75 ? damping * omega : ratio < 0.25 ? damping / omega : damping;
      adapted++;
    }
    assertThat(adapted).isPositive();
    assertThat(damping != DAMPING).isEqualTo(!updater.equals("exact")); // there it is about 1/2
  }

  /** Of a small step the loss changes as the model says, if both are of the same random numbers. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void dropoutIsTheSameBeforeAndAfterTheStep(boolean planned) {
    MultiLayerNetwork net =
        Nets.sequential(
            Nets.builder().updater(new Sgd(1e-5)),
            InputType.convolutional(4, 4, 2),
            new ConvolutionLayer.Builder(2, 2).nOut(3).build(),
            new DropoutLayer.Builder(0.6).build(),
            new DenseLayer.Builder().nOut(6).dropOut(0.7).build(),
            softmax());
    List<KfacStep> told = new ArrayList<>();
    net.setListeners(Kfac.preconditioner(new KFLR()).adaptDamping(1).onStep(told::add));
    try (PlannedTraining training = PlannedTraining.of(net)) {
      for (DataSet batch : batches(6, 6, 6)) {
        if (planned) {
          training.fit(batch);
        } else {
          net.fit(batch);
        }
      }
    }
    assertThat(told).hasSize(3);
    told.forEach(step -> assertThat(step.reductionRatio()).isCloseTo(1, within(1e-3)));
  }

  @Test
  void plannedTrainingMakesTheSameSteps() {
    MultiLayerNetwork net = SmallImages.net(whole());
    MultiLayerNetwork same = net.clone();
    List<KfacStep> told = new ArrayList<>();
    List<KfacStep> toldToo = new ArrayList<>();
    net.setListeners(kfac().onStep(told::add));
    same.setListeners(kfac().onStep(toldToo::add));
    try (PlannedTraining training = PlannedTraining.of(same)) {
      for (DataSet batch : batches(5, 5, 6, 5, 5)) {
        net.fit(batch);
        training.fit(batch);
      }
    }
    assertThat(net.params().sub(same.params()).amaxNumber().doubleValue()).isLessThan(1e-8);
    for (int k = 0; k < told.size(); k++) {
      assertThat(toldToo.get(k).damping()).isEqualTo(told.get(k).damping());
      assertThat(toldToo.get(k).learningRate()).isCloseTo(told.get(k).learningRate(), within(1e-6));
    }
  }

  private static Kfac kfac() {
    return Kfac.preconditioner(new KFLR()).every(2, 2).exactMomentum().adaptDamping(2);
  }

  @Test
  void aTrainingRepeatsToTheLastBit() {
    MultiLayerNetwork net = SmallImages.net(whole());
    MultiLayerNetwork again = net.clone();
    List<DataSet> data = batches(5, 6, 5, 5);
    for (MultiLayerNetwork each : List.of(net, again)) {
      Nd4j.getRandom().setSeed(1);
      each.setListeners(Kfac.preconditioner().exactMomentum().adaptDamping(1));
      data.forEach(each::fit);
    }
    assertThat(again.params()).isEqualTo(net.params());
  }

  /** Where nothing but the first inverse is factorised, it does not matter on which thread. */
  @Test
  void theFirstInverseIsWaitedFor() {
    MultiLayerNetwork net = SmallImages.net(whole());
    MultiLayerNetwork same = net.clone();
    List<DataSet> data = batches(5, 5, 5);
    Kfac background = Kfac.diagonal().every(1, 100).exactMomentum().inversesInBackground();
    net.setListeners(Kfac.diagonal().every(1, 100).exactMomentum());
    same.setListeners(background);
    data.forEach(net::fit);
    data.forEach(same::fit);
    background.close();
    assertThat(same.params()).isEqualTo(net.params());
  }

  /** In single precision a training goes as in double, up to its rounding. */
  @Test
  void singlePrecisionMakesTheSameChoices() {
    MultiLayerNetwork exact = SmallImages.net(whole());
    MultiLayerNetwork single = SmallImages.net(whole().dataType(DataType.FLOAT));
    single.params().assign(exact.params());
    List<KfacStep> told = new ArrayList<>();
    List<KfacStep> toldToo = new ArrayList<>();
    exact.setListeners(kfac().onStep(told::add));
    single.setListeners(kfac().onStep(toldToo::add));
    for (DataSet batch : batches(8, 8, 8)) {
      exact.fit(batch);
      single.fit(
          new DataSet(
              batch.getFeatures().castTo(DataType.FLOAT),
              batch.getLabels().castTo(DataType.FLOAT)));
    }
    for (int k = 0; k < told.size(); k++) {
      assertThat(toldToo.get(k).learningRate()).isCloseTo(told.get(k).learningRate(), within(1e-2));
      assertThat(toldToo.get(k).momentum()).isCloseTo(told.get(k).momentum(), within(1e-2));
    }
  }

  /** Without division by the number of samples in the updater the step is the same. */
  @Test
  void aStepIsOfTheMeanWhateverTheUpdaterDivides() {
    MultiLayerNetwork net = SmallImages.net(whole());
    MultiLayerNetwork sum = SmallImages.net(whole().miniBatch(false));
    sum.setParams(net.params());
    DataSet batch = batches(6).get(0);
    for (MultiLayerNetwork each : List.of(net, sum)) {
      each.setListeners(kfac());
      each.fit(batch);
    }
    assertThat(sum.params().sub(net.params()).amaxNumber().doubleValue()).isLessThan(1e-9);
  }

  private static void isRefused(MultiLayerNetwork net, Kfac kfac, String... reasons) {
    DataSet batch = batches(5).get(0);
    INDArray before = net.params().dup();
    net.setListeners(kfac);
    for (String reason : reasons) {
      assertThatThrownBy(() -> net.fit(batch)).hasStackTraceContaining(reason);
    }
    assertThat(net.params()).isEqualTo(before);
    assertThat(net.getIterationCount()).isZero();
  }

  @Test
  void whatChangesAnExactStepBehindTheModelIsRefused() {
    isRefused(
        SmallImages.net(whole().updater(new Adam(1e-3))),
        Kfac.diagonal().exactLearningRate(),
        "Layer \"0\"",
        "Adam",
        "new Sgd(1)");
    isRefused(
        SmallImages.net(whole().updater(new Sgd(0.5))),
        Kfac.diagonal().exactMomentum(),
        "new Sgd(1)");
    isRefused(
        SmallImages.net(
            whole().updater(new Sgd(new StepSchedule(ScheduleType.ITERATION, 1, 0.5, 10)))),
        Kfac.diagonal().exactMomentum(),
        "new Sgd(1)");
    isRefused(
        SmallImages.net(whole().l2(1e-3)),
        Kfac.diagonal().exactMomentum(),
        "l1, l2 or weight decay");
    isRefused(
        SmallImages.net(whole().gradientNormalization(GradientNormalization.ClipL2PerLayer)),
        Kfac.diagonal().exactMomentum(),
        "ClipL2PerLayer");
    isRefused(
        SmallImages.net(whole().constrainWeights(new MaxNormConstraint(1, 1))),
        Kfac.diagonal().exactMomentum(),
        "has the constraints",
        "MaxNorm");
    isRefused(
        SmallImages.net(whole().weightNoise(new DropConnect(0.5))),
        Kfac.diagonal().adaptDamping(1),
        "weight noise");
    MultiLayerNetwork net = SmallImages.net(whole().l2(1e-3));
    DataSet batch = batches(5).get(0);
    assertThatThrownBy(() -> Kfac.diagonal().exactMomentum().check(net, batch))
        .hasMessageContaining("l1, l2 or weight decay");
  }

  @Test
  void choicesThatContradictEachOtherAreRefused() {
    assertThatThrownBy(() -> Kfac.diagonal().exactLearningRate().normConstraint(1))
        .hasMessageContaining("choose one");
    assertThatThrownBy(() -> Kfac.diagonal().normConstraint(1).exactMomentum())
        .hasMessageContaining("choose one");
    assertThatThrownBy(() -> Kfac.diagonal().adaptDamping(0))
        .hasMessageContaining("adaptDamping(0)");
  }

  /** Once the reason is mended training goes on as if nothing had been called. */
  @Test
  void aRefusedStepChangesNothing() {
    List<DataSet> data = batches(5, 6);
    MultiLayerNetwork net = SmallImages.net(whole());
    MultiLayerNetwork same = net.clone();
    same.setLearningRate(0.5);
    net.setListeners(kfac().correctedEigenvalues());
    same.setListeners(kfac().correctedEigenvalues());
    assertThatThrownBy(() -> same.fit(data.get(0))).hasStackTraceContaining("new Sgd(1)");
    same.setLearningRate(1);
    data.forEach(net::fit);
    data.forEach(same::fit);
    assertThat(same.params()).isEqualTo(net.params());
  }

  @Test
  void verticesAreRefusedByName() {
    ComputationGraph graph =
        Nets.graph(
            Nets.graph(InputType.feedForward(3))
                .addLayer("out", softmax(), "in")
                .setOutputs("out"));
    DataSet batch =
        new DataSet(Nd4j.rand(DataType.DOUBLE, 3, 3), Nd4j.eye(3).castTo(DataType.DOUBLE));
    assertThatThrownBy(() -> Kfac.diagonal().exactLearningRate().check(graph, batch))
        .hasMessageContaining("Layer \"out\" has the updater Sgd");
  }

  /** Recurrent layers, masks, several outputs: the length is still that of the exact matrix. */
  @Test
  void theModelIsOfWhateverTheBatchHas() {
    ComputationGraph graph =
        new ComputationGraph(
            whole()
                .graphBuilder()
                .addInputs("in")
                .setInputTypes(InputType.recurrent(3))
                .addLayer("lstm", new LSTM.Builder().nOut(4).build(), "in")
                .addVertex("last", new LastTimeStepVertex("in"), "lstm")
                .addLayer("class", softmax(), "last")
                .addLayer(
                    "number",
                    new OutputLayer.Builder(LossFunction.MSE)
                        .nOut(2)
                        .activation(Activation.IDENTITY)
                        .build(),
                    "last")
                .setOutputs("class", "number")
                .build());
    graph.init();
    INDArray labels = Nd4j.zeros(DataType.DOUBLE, 4, 3);
    labels.putScalar(0, 0, 1).putScalar(1, 1, 1).putScalar(2, 2, 1).putScalar(3, 1, 1);
    INDArray mask = Nd4j.ones(DataType.DOUBLE, 4, 5);
    mask.putScalar(1, 4, 0).putScalar(2, 4, 0).putScalar(2, 3, 0);
    MultiDataSet batch =
        new MultiDataSet(
            new INDArray[] {Nd4j.randn(DataType.DOUBLE, 4, 3, 5)},
            new INDArray[] {labels, Nd4j.randn(DataType.DOUBLE, 4, 2)},
            new INDArray[] {mask},
            null);
    DiagGGNExact diagonal = new DiagGGNExact();
    SqrtGGNExact root = new SqrtGGNExact();
    QuantityResults[] seen = new QuantityResults[1];
    List<KfacStep> told = new ArrayList<>();
    graph.setListeners(
        new BackPackListener(diagonal, root)
            .scale(Scale.MEAN)
            .onStep(s -> seen[0] = s.quantities()),
        Kfac.preconditioner(diagonal)
            .damping(DAMPING)
            .exactLearningRate()
            .adaptDamping(1)
            .check(graph, batch)
            .onStep(told::add));
    graph.fit(batch);
    Curvature ggn = Curvature.of(seen[0], root);
    Map<String, INDArray> parts = new LinkedHashMap<>();
    ggn.layout().names().forEach(p -> parts.put(p, seen[0].gradient(p)));
    INDArray gradient = ggn.layout().join(parts).reshape(1, ggn.size());
    INDArray natural = Curvature.of(seen[0], diagonal).damped(DAMPING).solve(gradient);
    double slope = gradient.mul(natural).sumNumber().doubleValue();
    double curvature =
        ggn.times(natural).add(natural.mul(DAMPING)).mul(natural).sumNumber().doubleValue();
    assertThat(told.get(0).learningRate()).isCloseTo(slope / curvature, within(1e-9));
    assertThat(told.get(0).reductionRatio()).isBetween(0.1, 2.0);
  }

  /** Beforehand nothing is drawn yet. */
  @Test
  void dropoutCanBeCheckedBeforehand() {
    MultiLayerNetwork net =
        Nets.sequential(
            whole(),
            InputType.convolutional(4, 4, 2),
            new ConvolutionLayer.Builder(2, 2).nOut(3).build(),
            new DropoutLayer.Builder(0.6).build(),
            new DenseLayer.Builder().nOut(6).dropOut(0.7).build(),
            softmax());
    DataSet batch = batches(5).get(0);
    net.setListeners(kfac().correctedEigenvalues().check(net, batch));
    net.fit(batch);
    assertThat(net.getIterationCount()).isEqualTo(1);
  }

  /** Frozen layers are no part of a step. */
  @Test
  void frozenLayersAreLeftAlone() {
    MultiLayerNetwork net =
        Nets.sequential(
            whole(),
            InputType.feedForward(4),
            new org.deeplearning4j.nn.conf.layers.misc.FrozenLayer(
                new DenseLayer.Builder().nOut(4).build()),
            softmax());
    INDArray frozen = net.getParam("0_W").dup();
    INDArray other = net.getParam("1_W").dup();
    net.setListeners(kfac());
    INDArray y = Nd4j.zeros(DataType.DOUBLE, 3, 3);
    y.putScalar(0, 0, 1).putScalar(1, 1, 1).putScalar(2, 2, 1);
    net.fit(new DataSet(Nd4j.randn(DataType.DOUBLE, 3, 4), y));
    assertThat(net.getParam("0_W")).isEqualTo(frozen);
    assertThat(net.getParam("1_W")).isNotEqualTo(other);
  }
}
