package org.backpack4j.dl4j.train;

import java.util.stream.Stream;
import org.backpack4j.dl4j.testing.Nets;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.GradientNormalization;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.constraint.MaxNormConstraint;
import org.deeplearning4j.nn.conf.constraint.NonNegativeConstraint;
import org.deeplearning4j.nn.conf.distribution.NormalDistribution;
import org.deeplearning4j.nn.conf.dropout.AlphaDropout;
import org.deeplearning4j.nn.conf.dropout.Dropout;
import org.deeplearning4j.nn.conf.dropout.GaussianDropout;
import org.deeplearning4j.nn.conf.dropout.GaussianNoise;
import org.deeplearning4j.nn.conf.dropout.SpatialDropout;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.deeplearning4j.nn.conf.graph.MergeVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.AutoEncoder;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.Convolution1DLayer;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.DropoutLayer;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.conf.layers.misc.ElementWiseMultiplicationLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayerWithBackprop;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.conf.layers.recurrent.LastTimeStep;
import org.deeplearning4j.nn.conf.weightnoise.DropConnect;
import org.deeplearning4j.nn.conf.weightnoise.WeightNoise;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.AMSGrad;
import org.nd4j.linalg.learning.config.AdaGrad;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.learning.config.RmsProp;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.nd4j.linalg.schedule.ExponentialSchedule;
import org.nd4j.linalg.schedule.ScheduleType;
import org.nd4j.linalg.schedule.StepSchedule;

/** Planned steps leave behind what as many of {@code fit}'s do, and make the same calls. */
class PlannedTrainingTest {
  private static final int N = 5;
  private static final InputType IMAGES = InputType.convolutional(6, 6, 2);

  private record Training(String name, Maker network, MultiDataSet... batches) {
    @Override
    public String toString() {
      return name;
    }
  }

  private interface Maker {
    Model make();
  }

  // ---- data: batches of two sizes ----

  private static MultiDataSet[] rows() {
    return new MultiDataSet[] {
      new MultiDataSet(Nets.random(N, 4), Nets.classes(N, 3)),
      new MultiDataSet(Nets.random(3, 4), Nets.classes(3, 3))
    };
  }

  private static MultiDataSet[] images() {
    return new MultiDataSet[] {
      new MultiDataSet(Nets.random(N, 2, 6, 6), Nets.classes(N, 3)),
      new MultiDataSet(Nets.random(3, 2, 6, 6), Nets.classes(3, 3))
    };
  }

  private static MultiDataSet series(int samples, int steps, boolean masked, boolean perStep) {
    INDArray labels = Nd4j.zeros(DataType.DOUBLE, samples, 3, steps);
    for (int n = 0; n < samples; n++) {
      for (int t = 0; t < steps; t++) {
        labels.putScalar(n, (n + t) % 3, t, 1);
      }
    }
    INDArray mask = Nd4j.ones(DataType.DOUBLE, samples, steps);
    mask.putScalar(1, steps - 1, 0);
    mask.putScalar(2, steps - 2, 0);
    mask.putScalar(2, steps - 1, 0);
    INDArray[] masks = masked ? new INDArray[] {mask} : null;
    return new MultiDataSet(
        new INDArray[] {Nets.random(samples, 2, steps)},
        new INDArray[] {perStep ? labels : Nets.classes(samples, 3)},
        masks,
        perStep ? masks : null);
  }

  private static MultiDataSet[] series(boolean masked, boolean perStep) {
    return new MultiDataSet[] {
      series(N, 5, masked, perStep), series(N, 4, masked, perStep), series(3, 5, masked, perStep)
    };
  }

  private static MultiDataSet pair(int samples) {
    return new MultiDataSet(
        new INDArray[] {Nets.random(samples, 3), Nets.random(samples, 5)},
        new INDArray[] {Nets.classes(samples, 3), Nets.random(samples, 2)});
  }

  // ---- networks ----

  private static NeuralNetConfiguration.Builder adam() {
    return Nets.builder().updater(new Adam(0.01));
  }

  private static OutputLayer output() {
    return new OutputLayer.Builder(LossFunction.MCXENT)
        .nOut(3)
        .activation(Activation.SOFTMAX)
        .build();
  }

  private static RnnOutputLayer steps() {
    return new RnnOutputLayer.Builder(LossFunction.MCXENT)
        .nOut(3)
        .activation(Activation.SOFTMAX)
        .build();
  }

  private static DenseLayer dense(int units) {
    return new DenseLayer.Builder().nOut(units).build();
  }

  private static ConvolutionLayer convolution() {
    return new ConvolutionLayer.Builder(3, 3).nOut(3).convolutionMode(ConvolutionMode.Same).build();
  }

  private static SubsamplingLayer pooling() {
    return new SubsamplingLayer.Builder(SubsamplingLayer.PoolingType.MAX, new int[] {2, 2})
        .stride(2, 2)
        .build();
  }

  private static Training rows(String name, NeuralNetConfiguration.Builder b, Layer... layers) {
    return new Training(
        name, () -> Nets.sequential(b.clone(), InputType.feedForward(4), clones(layers)), rows());
  }

  private static Training images(String name, NeuralNetConfiguration.Builder b, Layer... layers) {
    return new Training(name, () -> Nets.sequential(b.clone(), IMAGES, clones(layers)), images());
  }

  private static Training series(String name, boolean masked, boolean perStep, Layer... layers) {
    return new Training(
        name,
        () -> Nets.sequential(adam(), InputType.recurrent(2), clones(layers)),
        series(masked, perStep));
  }

  private static Layer[] clones(Layer... layers) {
    return Stream.of(layers).map(Layer::clone).toArray(Layer[]::new);
  }

  private static Training graph(String name, Maker maker, MultiDataSet... batches) {
    return new Training(name, maker, batches);
  }

  static Stream<Training> plain() {
    return Stream.of(
        rows("dense, Adam", adam(), dense(5), output()),
        images("convolution and pooling", adam(), convolution(), pooling(), dense(4), output()),
        rows(
            "l1, l2, Nesterovs",
            Nets.builder().updater(new Nesterovs(0.1, 0.9)).l1(0.01).l2(0.02).l2Bias(0.01),
            dense(5),
            output()),
        rows(
            "weight decay, RmsProp",
            Nets.builder().updater(new RmsProp(0.01)).weightDecay(0.05),
            dense(5),
            output()),
        rows(
            "constraints",
            Nets.builder()
                .updater(new Sgd(0.5))
                .constrainWeights(new MaxNormConstraint(0.5, 1))
                .constrainBias(new NonNegativeConstraint()),
            dense(5),
            output()),
        rows(
            "clipping by layer, AMSGrad",
            Nets.builder()
                .updater(new AMSGrad(0.01))
                .gradientNormalization(GradientNormalization.ClipL2PerLayer)
                .gradientNormalizationThreshold(0.05),
            dense(5),
            output()),
        rows(
            "normalised by parameter, AdaGrad",
            Nets.builder()
                .updater(new AdaGrad(0.05))
                .gradientNormalization(GradientNormalization.RenormalizeL2PerParamType),
            dense(5),
            output()),
        rows(
            "clipped entries",
            Nets.builder()
                .gradientNormalization(GradientNormalization.ClipElementWiseAbsoluteValue)
                .gradientNormalizationThreshold(0.01),
            dense(5),
            output()),
        rows(
            "schedules",
            Nets.builder()
                .updater(new Adam(new StepSchedule(ScheduleType.ITERATION, 0.05, 0.5, 3)))
                .biasUpdater(new Sgd(new ExponentialSchedule(ScheduleType.EPOCH, 0.1, 0.7))),
            dense(5),
            output()),
        rows("no mini-batches", adam().miniBatch(false).l2(0.01), dense(5), output()),
        rows(
            "an updater for each layer",
            adam(),
            new DenseLayer.Builder().nOut(4).updater(new RmsProp(0.02)).build(),
            new DenseLayer.Builder().nOut(4).updater(new Sgd(0.02)).build(),
            output()),
        graph("two inputs and outputs", PlannedTrainingTest::twofold, pair(N), pair(3)),
        graph("residual block", PlannedTrainingTest::residual, images()),
        rows("frozen layer", adam(), dense(5), new FrozenLayer(dense(4)), dense(4), output()),
        rows(
            "frozen layer that gradients pass",
            adam().l2(0.01),
            dense(5),
            new FrozenLayerWithBackprop(dense(4)),
            dense(4),
            output()),
        series("LSTM", false, true, lstm(), lstm(), steps()),
        series("LSTM with masks", true, true, lstm(), lstm(), steps()),
        series(
            "both directions",
            true,
            true,
            new Bidirectional(Bidirectional.Mode.CONCAT, lstm()),
            steps()),
        series(
            "convolution over time",
            false,
            false,
            new Convolution1DLayer.Builder(2).nOut(3).build(),
            new GlobalPoolingLayer(),
            output()),
        rows("encoder", adam().l2Bias(0.01), new AutoEncoder.Builder().nOut(4).build(), output()),
        rows(
            "scaled features",
            adam(),
            new ElementWiseMultiplicationLayer.Builder().nIn(4).nOut(4).build(),
            output()),
        series(
            "pooled series with masks", true, false, lstm(), new GlobalPoolingLayer(), output()));
  }

  private static LSTM lstm() {
    return new LSTM.Builder().nOut(3).build();
  }

  static Stream<Training> normalised() {
    return Stream.of(
        rows("rows", adam(), dense(5), new BatchNormalization.Builder().build(), output()),
        rows(
            "plain variance",
            adam(),
            dense(5),
            new BatchNormalization.Builder().useLogStd(false).decay(0.8).build(),
            output()),
        rows(
            "logarithm of the deviation, locked",
            adam(),
            dense(5),
            new BatchNormalization.Builder().useLogStd(true).lockGammaBeta(true).build(),
            output()),
        images(
            "images, l2, clipping",
            adam().l2(0.01).gradientNormalization(GradientNormalization.ClipL2PerLayer),
            convolution(),
            new BatchNormalization.Builder().build(),
            new ActivationLayer(Activation.RELU),
            pooling(),
            output()));
  }

  static Stream<Training> random() {
    return Stream.of(
        rows(
            "dropout",
            adam(),
            dense(6),
            new DenseLayer.Builder().nOut(4).dropOut(0.6).build(),
            new DropoutLayer(0.7),
            output()),
        images(
            "dropout of images",
            adam().dropOut(0.8),
            convolution(),
            pooling(),
            convolution(),
            dense(4),
            output()),
        rows(
            "dropout by a schedule",
            adam(),
            new DenseLayer.Builder()
                .nOut(6)
                .dropOut(new Dropout(new StepSchedule(ScheduleType.ITERATION, 0.9, 0.5, 2)))
                .build(),
            output()),
        images(
            "channels",
            adam(),
            convolution(),
            new ConvolutionLayer.Builder(3, 3).nOut(2).dropOut(new SpatialDropout(0.6)).build(),
            output()),
        rows(
            "of other kinds",
            adam(),
            new DenseLayer.Builder().nOut(6).dropOut(new AlphaDropout(0.7)).build(),
            new DenseLayer.Builder().nOut(5).dropOut(new GaussianDropout(0.3)).build(),
            new DenseLayer.Builder().nOut(5).dropOut(new GaussianNoise(0.3)).build(),
            output()),
        rows(
            "before the output",
            adam(),
            dense(5),
            new OutputLayer.Builder(LossFunction.MCXENT)
                .nOut(3)
                .activation(Activation.SOFTMAX)
                .dropOut(0.6)
                .build()),
        rows(
            "connections dropped",
            adam().weightNoise(new DropConnect(0.7)),
            dense(5),
            dense(4),
            output()),
        images(
            "weight noise",
            adam()
                .weightNoise(new WeightNoise(new NormalDistribution(0, 0.1), true, true))
                .dropOut(0.8),
            convolution(),
            dense(4),
            output()),
        series(
            "dropout of series",
            true,
            true,
            lstm(),
            new LSTM.Builder().nOut(3).dropOut(0.7).build(),
            steps()),
        series(
            "in both directions",
            true,
            true,
            new Bidirectional(
                Bidirectional.Mode.ADD, new LSTM.Builder().nOut(3).dropOut(0.7).build()),
            steps()),
        graph(
            "in a graph",
            () ->
                Nets.graph(
                    adam()
                        .graphBuilder()
                        .addInputs("in")
                        .setInputTypes(IMAGES)
                        .addLayer("a", convolution(), "in")
                        .addLayer(
                            "b",
                            new ConvolutionLayer.Builder(3, 3)
                                .nOut(3)
                                .convolutionMode(ConvolutionMode.Same)
                                .dropOut(0.6)
                                .build(),
                            "a")
                        .addVertex("sum", new ElementWiseVertex(ElementWiseVertex.Op.Add), "a", "b")
                        .addLayer("drop", new DropoutLayer(0.5), "sum")
                        .addLayer("out", output(), "drop")
                        .setOutputs("out")),
            images()));
  }

  private static Model residual() {
    return Nets.graph(
        adam()
            .graphBuilder()
            .addInputs("in")
            .setInputTypes(IMAGES)
            .addLayer("a", convolution(), "in")
            .addLayer("norm", new BatchNormalization.Builder().build(), "a")
            .addLayer("relu", new ActivationLayer(Activation.RELU), "norm")
            .addLayer("b", convolution(), "relu")
            .addVertex("sum", new ElementWiseVertex(ElementWiseVertex.Op.Add), "relu", "b")
            .addLayer("pool", new GlobalPoolingLayer(), "sum")
            .addLayer("out", output(), "pool")
            .setOutputs("out"));
  }

  private static Model twofold() {
    return Nets.graph(
        adam()
            .l2(0.01)
            .graphBuilder()
            .addInputs("left", "right")
            .setInputTypes(InputType.feedForward(3), InputType.feedForward(5))
            .addLayer("a", dense(2), "left")
            .addLayer("b", dense(3), "right")
            .addVertex("both", new MergeVertex(), "a", "b")
            .addLayer("classes", output(), "both")
            .addLayer(
                "numbers",
                new OutputLayer.Builder(LossFunction.MSE)
                    .nOut(2)
                    .activation(Activation.IDENTITY)
                    .build(),
                "both")
            .setOutputs("classes", "numbers"));
  }

  @ParameterizedTest
  @MethodSource({"plain", "normalised"})
  void isThatOfFit(Training training) {
    Twins.check(training.network()::make, false, 8, training.batches());
  }

  /** DL4J's last time step is of the default type, whatever the network's. */
  @Test
  void isThatOfFitForLastSteps() {
    Training training =
        series("last step with masks", true, false, new LastTimeStep(lstm()), output());
    Nets.inDoublePrecision(
        () -> Twins.check(training.network()::make, false, 8, training.batches()));
  }

  @ParameterizedTest
  @MethodSource("random")
  void isThatOfFitWithTheSameRandomNumbers(Training training) {
    Twins.check(training.network()::make, true, 8, training.batches());
  }
}
