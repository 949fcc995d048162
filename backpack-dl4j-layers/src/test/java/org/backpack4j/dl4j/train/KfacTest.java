package org.backpack4j.dl4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.backpack4j.dl4j.train.SmallImages.batches;
import static org.backpack4j.dl4j.train.SmallImages.softmax;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.backpack4j.dl4j.BackPackListener;
import org.backpack4j.dl4j.Scale;
import org.backpack4j.dl4j.testing.Nets;
import org.backpack4j.samediff.curvature.Curvature;
import org.backpack4j.samediff.curvature.ParameterLayout;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.extension.KFACExpand;
import org.backpack4j.samediff.extension.KFLR;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

class KfacTest {
  private static final double RATE = 0.3;
  private static final double DAMPING = 0.02;

  @BeforeEach
  void seed() {
    Nd4j.getRandom().setSeed(23);
  }

  private static MultiLayerNetwork net(Layer... layers) {
    return Nets.sequential(
        Nets.builder().updater(new Sgd(RATE)), InputType.convolutional(4, 4, 2), layers);
  }

  private static MultiLayerNetwork net() {
    return net(
        new ConvolutionLayer.Builder(2, 2).nOut(3).activation(Activation.TANH).build(),
        new DenseLayer.Builder().nOut(4).activation(Activation.TANH).build(),
        softmax());
  }

  /** The step by hand: the curvature of the batch's mean loss, and its mean gradient. */
  private static Map<String, INDArray> expected(
      MultiLayerNetwork net, DataSet batch, Extension extension, boolean factored) {
    MultiLayerNetwork copy = net.clone();
    INDArray[] step = new INDArray[1];
    ParameterLayout[] layout = new ParameterLayout[1];
    BackPackListener listener = new BackPackListener(extension).scale(Scale.MEAN);
    listener.onStep(
        s -> {
          Curvature curvature = Curvature.of(s.quantities(), extension);
          layout[0] = curvature.layout();
          Map<String, INDArray> gradients = new java.util.LinkedHashMap<>();
          layout[0].names().forEach(p -> gradients.put(p, s.quantities().gradient(p)));
          INDArray g = layout[0].join(gradients).reshape(1, layout[0].size());
          step[0] =
              (factored ? curvature.withFactoredDamping() : curvature).damped(DAMPING).solve(g);
        });
    copy.setListeners(listener);
    copy.fit(batch);
    return layout[0].split(step[0].reshape(layout[0].size()));
  }

  @Test
  void aStepIsThePreconditionedGradient() {
    for (Extension extension : List.of(new DiagGGNExact(), new KFLR(), new KFACExpand())) {
      for (boolean factored : new boolean[] {true, false}) {
        MultiLayerNetwork net = net();
        DataSet batch = batches(5).get(0);
        Map<String, INDArray> expected = expected(net, batch, extension, factored);
        Map<String, INDArray> before = new java.util.LinkedHashMap<>();
        net.paramTable().forEach((name, p) -> before.put(name, p.dup()));
        Kfac kfac = Kfac.preconditioner(extension).damping(DAMPING);
        net.addListeners(factored ? kfac : kfac.exactDamping());
        net.fit(batch);
        before.forEach(
            (name, p) -> {
              INDArray moved = p.sub(net.getParam(name)).div(RATE);
              INDArray natural = expected.get(name).reshape(moved.shape());
              assertThat(moved.sub(natural).amaxNumber().doubleValue())
                  .as(extension.field() + " of " + name)
                  .isLessThan(1e-9);
            });
      }
    }
  }

  /** Of a linear model with squared errors the matrix is the Hessian, and one step the solution. */
  @Test
  void oneStepSolvesALinearModel() {
    MultiLayerNetwork net =
        Nets.sequential(
            Nets.builder().updater(new Sgd(1)),
            InputType.feedForward(4),
            new OutputLayer.Builder(LossFunction.MSE)
                .nOut(2)
                .hasBias(false)
                .activation(Activation.IDENTITY)
                .build());
    DataSet data =
        new DataSet(Nd4j.randn(DataType.DOUBLE, 9, 4), Nd4j.randn(DataType.DOUBLE, 9, 2));
    net.addListeners(Kfac.preconditioner(new KFLR()).damping(1e-12).exactDamping());
    net.fit(data);
    net.setListeners();
    net.setInput(data.getFeatures());
    net.setLabels(data.getLabels());
    net.computeGradientAndScore();
    assertThat(net.gradient().gradient().amaxNumber().doubleValue()).isLessThan(1e-7);
  }

  /** Moving averages with the first batches' share made up for, and inverses that are older. */
  @Test
  void curvatureIsAnAverageOverBatches() {
    MultiLayerNetwork net = net();
    List<DataSet> data = batches(5, 4, 6, 5);
    Extension diagonal = new DiagGGNExact();
    BackPackListener watch = new BackPackListener(diagonal).scale(Scale.MEAN);
    List<INDArray> diagonals = new ArrayList<>();
    List<INDArray> gradients = new ArrayList<>();
    watch.onStep(
        s -> {
          diagonals.add(s.quantities().get("0_b", diagonal));
          gradients.add(s.quantities().gradient("0_b"));
        });
    net.addListeners(watch, Kfac.preconditioner(diagonal).damping(DAMPING).decay(0.5).every(2, 3));
    List<INDArray> moved = new ArrayList<>();
    for (DataSet batch : data) {
      INDArray before = net.getParam("0_b").dup();
      net.fit(batch);
      moved.add(before.sub(net.getParam("0_b")).div(RATE));
    }
    INDArray first = diagonals.get(0);
    // factors at steps 0 and 2, inverses at steps 0 and 3
    INDArray both = first.mul(0.25).add(diagonals.get(2).mul(0.5)).div(0.75);
    for (int k = 0; k < 4; k++) {
      INDArray used = k < 3 ? first : both;
      INDArray expected = gradients.get(k).div(used.add(DAMPING)).reshape(moved.get(k).shape());
      assertThat(moved.get(k).sub(expected).amaxNumber().doubleValue())
          .as("step " + k)
          .isLessThan(1e-9);
    }
  }

  @Test
  void aLongStepIsMadeShorter() {
    MultiLayerNetwork free = net();
    MultiLayerNetwork bound = free.clone();
    INDArray before = free.params().dup();
    DataSet batch = batches(5).get(0);
    free.addListeners(Kfac.preconditioner(new KFLR()).damping(DAMPING));
    bound.addListeners(Kfac.preconditioner(new KFLR()).damping(DAMPING).normConstraint(1e-4));
    free.fit(batch);
    bound.fit(batch);
    INDArray whole = before.sub(free.params());
    INDArray part = before.sub(bound.params());
    double ratio = part.norm2Number().doubleValue() / whole.norm2Number().doubleValue();
    assertThat(ratio).isLessThan(0.5);
    assertThat(part.sub(whole.mul(ratio)).amaxNumber().doubleValue()).isLessThan(1e-12);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void plannedTrainingMakesTheSameSteps(boolean diagonal) {
    Extension extension = diagonal ? new DiagGGNExact() : new KFACExpand();
    MultiLayerNetwork net = net();
    MultiLayerNetwork same = net.clone();
    List<DataSet> data = batches(5, 5, 5, 5, 5);
    net.addListeners(Kfac.preconditioner(extension).every(2, 2));
    same.addListeners(Kfac.preconditioner(extension).every(2, 2));
    PlannedTraining training = PlannedTraining.of(same);
    for (DataSet batch : data) {
      net.fit(batch);
      training.fit(batch);
    }
    assertThat(net.params().sub(same.params()).amaxNumber().doubleValue()).isLessThan(1e-9);
  }

  @Test
  void itLearns() {
    MultiLayerNetwork net = net();
    net.addListeners(Kfac.preconditioner().damping(0.1));
    DataSet batch = batches(24).get(0);
    double before = net.score(batch);
    for (int k = 0; k < 40; k++) {
      net.fit(batch);
    }
    assertThat(net.score(batch)).isLessThan(before / 2);
  }

  /** What cannot be preconditioned is not trained as if it were. */
  @Test
  void withoutCurvatureTheTrainingEnds() {
    MultiLayerNetwork net =
        net(
            new ConvolutionLayer.Builder(2, 2).nOut(3).build(),
            new BatchNormalization(),
            softmax());
    INDArray before = net.params().dup();
    net.addListeners(Kfac.preconditioner());
    DataSet batch = batches(5).get(0);
    assertThatThrownBy(() -> net.fit(batch)).hasStackTraceContaining("influence each other");
    assertThat(net.params()).isEqualTo(before);
    assertThatThrownBy(() -> Kfac.preconditioner().check(net, batch))
        .hasMessageContaining("influence each other");
  }

  @Test
  void settingsAreChecked() {
    assertThatThrownBy(() -> Kfac.preconditioner().damping(0)).hasMessageContaining("damping");
    assertThatThrownBy(() -> Kfac.preconditioner().decay(1)).hasMessageContaining("decay");
    assertThatThrownBy(() -> Kfac.preconditioner().every(0, 1)).hasMessageContaining("every(0, 1)");
  }
}
