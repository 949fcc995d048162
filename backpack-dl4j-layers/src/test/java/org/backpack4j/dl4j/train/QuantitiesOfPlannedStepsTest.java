package org.backpack4j.dl4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.backpack4j.dl4j.BackPackListener;
import org.backpack4j.dl4j.Scale;
import org.backpack4j.dl4j.internal.listen.ListenerSettings;
import org.backpack4j.dl4j.internal.train.QuantityListener;
import org.backpack4j.dl4j.testing.Nets;
import org.backpack4j.samediff.TrainingStep;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.BatchL2Grad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.SumGradSquared;
import org.backpack4j.samediff.extension.Variance;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.activations.impl.ActivationTanH;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** A listener has from the pass that trains what it has beside {@code fit}. */
class QuantitiesOfPlannedStepsTest {
  private static final DataSet BATCH = new DataSet(Nets.random(5, 4), Nets.classes(5, 3));
  private static final int STEPS = 4;

  private static OutputLayer output() {
    return new OutputLayer.Builder(LossFunction.MCXENT)
        .nOut(3)
        .activation(Activation.SOFTMAX)
        .build();
  }

  private static MultiLayerNetwork network() {
    return Nets.sequential(
        Nets.builder().updater(new Adam(0.01)).l2(0.01),
        InputType.feedForward(4),
        new DenseLayer.Builder().nOut(5).build(),
        new DenseLayer.Builder().nOut(4).dropOut(0.7).build(),
        output());
  }

  private static MultiLayerNetwork normalised() {
    return Nets.sequential(
        Nets.builder().updater(new Adam(0.01)),
        InputType.feedForward(4),
        new DenseLayer.Builder().nOut(5).build(),
        new BatchNormalization.Builder().build(),
        output());
  }

  private static void train(MultiLayerNetwork net, boolean planned, TrainingListener... listeners) {
    Nd4j.getRandom().setSeed(3);
    net.setListeners(listeners);
    if (planned) {
      try (PlannedTraining training = PlannedTraining.of(net)) {
        for (int k = 0; k < STEPS; k++) {
          training.fit(BATCH);
        }
      }
    } else {
      for (int k = 0; k < STEPS; k++) {
        net.fit(BATCH);
      }
    }
  }

  private static void same(Map<String, INDArray> ours, Map<String, INDArray> theirs) {
    assertThat(new TreeMap<>(ours).keySet()).isEqualTo(new TreeMap<>(theirs).keySet());
    theirs.forEach(
        (name, array) -> {
          INDArray other = Objects.requireNonNull(ours.get(name));
          assertThat(other.shape()).as(name).isEqualTo(array.shape());
          assertThat(other.sub(array).amaxNumber().doubleValue()).as(name).isLessThan(1e-9);
        });
  }

  private interface Chosen {
    BackPackListener make();
  }

  private static void compare(Chosen maker, boolean normalised) {
    try (BackPackListener beside = maker.make();
        BackPackListener within = maker.make()) {
      MultiLayerNetwork plain = normalised ? normalised() : network();
      MultiLayerNetwork planned = normalised ? normalised() : network();
      train(plain, false, beside);
      train(planned, true, within);
      assertThat(within.latest().iteration()).isEqualTo(beside.latest().iteration());
      assertThat(within.latest().epoch()).isEqualTo(beside.latest().epoch());
      assertThat(within.latest().notes()).isEqualTo(beside.latest().notes());
      same(within.outputs(), beside.outputs());
      same(Map.of("parameters", planned.params()), Map.of("parameters", plain.params()));
    }
  }

  @Test
  void all() {
    compare(() -> new BackPackListener(new BatchGrad(), new Variance(), new DiagGGNExact()), false);
  }

  @Test
  void ofAMean() {
    compare(
        () -> new BackPackListener(new BatchGrad(), new BatchL2Grad()).scale(Scale.MEAN), false);
  }

  @Test
  void ofSomeParametersInSomeIterations() {
    compare(
        () ->
            new BackPackListener(new SumGradSquared()).parameters("0_W", "2_b").everyNIterations(2),
        false);
  }

  /** Those with running statistics are of another graph. */
  @Test
  void withRunningStatistics() {
    compare(() -> new BackPackListener(new DiagGGNExact()).runningStatistics(), true);
  }

  @Test
  void asFarAsTheyCanBeHad() {
    compare(() -> new BackPackListener(new BatchGrad(), new DiagGGNExact()).lenient(), true);
  }

  @Test
  void comparedWithBruteForce() {
    compare(() -> new BackPackListener(new BatchGrad()).verify(2, 2), false);
  }

  /** They make another graph than that which trains. */
  @Test
  void withConvertersOfTheListenersOwn() {
    int[] asked = new int[1];
    try (BackPackListener plain = new BackPackListener(new BatchGrad());
        BackPackListener within =
            new BackPackListener(new BatchGrad())
                .converters(
                    c ->
                        c.activation(
                            ActivationTanH.class,
                            (function, x) -> {
                              asked[0]++;
                              return x.getSameDiff().math().tanh(x);
                            }))) {
      train(network(), false, plain);
      train(network(), true, within);
      assertThat(asked[0]).isPositive();
      same(within.outputs(), plain.outputs());
    }
  }

  @Test
  void severalListenersHaveStepsOfTheirOwn() {
    try (BackPackListener first = new BackPackListener(new BatchGrad());
        BackPackListener second =
            new BackPackListener(new BatchL2Grad(), new BatchGrad()).parameters("0_W");
        BackPackListener third = new BackPackListener(new Variance()).scale(Scale.MEAN);
        BackPackListener plain = new BackPackListener(new BatchGrad(), new BatchL2Grad());
        BackPackListener mean = new BackPackListener(new Variance()).scale(Scale.MEAN)) {
      train(network(), false, plain, mean);
      List<Map<String, INDArray>> given = new ArrayList<>();
      second.onStep(step -> given.add(step.quantities().outputs()));
      train(network(), true, first, second, third);
      Map<String, INDArray> expected = new LinkedHashMap<>(plain.outputs());
      expected.keySet().removeIf(name -> name.endsWith(".batch_l2"));
      same(first.outputs(), expected);
      expected = new LinkedHashMap<>(plain.outputs());
      expected.keySet().removeIf(name -> !name.startsWith("0_W."));
      same(second.outputs(), expected);
      same(third.outputs(), mean.outputs());
      assertThat(given).hasSize(STEPS);
      given.forEach(step -> step.values().forEach(a -> assertThat(a.wasClosed()).isFalse()));
    }
  }

  @Test
  void whatIsRefusedIsToldByTheListenerAndTrainingGoesOn() {
    try (BackPackListener listener = new BackPackListener(new DiagGGNExact())) {
      MultiLayerNetwork plain = normalised();
      MultiLayerNetwork planned = normalised();
      train(plain, false);
      train(planned, true, listener);
      assertThatThrownBy(listener::latest).hasMessageContaining("runningStatistics()");
      same(Map.of("parameters", planned.params()), Map.of("parameters", plain.params()));
    }
  }

  // ---- listeners of other kinds ----

  /** Takes the sum of the samples' gradients, each halved, for the gradient. */
  private static final class Halving extends BaseTrainingListener implements QuantityListener {
    private @Nullable TrainingStep step;

    @Override
    public ListenerSettings wanted(Model net, int iteration) {
      return ListenerSettings.of(new BatchGrad());
    }

    @Override
    public void step(Model net, TrainingStep given) {
      step = given;
    }

    @Override
    public void onGradientCalculation(Model model) {
      TrainingStep given = Objects.requireNonNull(step);
      model
          .gradient()
          .gradientForVariable()
          .forEach(
              (name, view) -> {
                INDArray each = given.quantities().outputs().get(name + ".grad_batch");
                view.assign(each.mul(0.5).sum(0).reshape(view.shape()));
              });
    }
  }

  @Test
  void aListenerMayPutAnotherGradientInThePlaceOfThatOfTheBatch() {
    MultiLayerNetwork planned = network();
    train(planned, true, new Halving());
    MultiLayerNetwork plain = network();
    train(
        plain,
        false,
        new BaseTrainingListener() {
          @Override
          public void onGradientCalculation(Model model) {
            model.gradient().gradient().muli(0.5);
          }
        });
    same(Map.of("parameters", planned.params()), Map.of("parameters", plain.params()));
  }

  @Test
  void trainingEndsWhereAListenerNeedsWhatItCannotHave() {
    MultiLayerNetwork net = normalised();
    INDArray before = net.params().dup();
    TrainingListener needing = new NeedingGGN();
    assertThatThrownBy(() -> train(net, true, needing)).hasMessageContaining("diag_ggn_exact");
    assertThat(net.params()).isEqualTo(before);
  }

  private static final class NeedingGGN extends BaseTrainingListener implements QuantityListener {
    @Override
    public ListenerSettings wanted(Model net, int iteration) {
      return ListenerSettings.of(new DiagGGNExact());
    }

    @Override
    public void step(Model net, TrainingStep step) {
      throw new AssertionError("There is no such step.");
    }
  }
}
