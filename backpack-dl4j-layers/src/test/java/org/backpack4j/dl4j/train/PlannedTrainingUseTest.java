package org.backpack4j.dl4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.backpack4j.dl4j.testing.ListedBatches;
import org.backpack4j.dl4j.testing.Nets;
import org.deeplearning4j.datasets.iterator.ExistingDataSetIterator;
import org.deeplearning4j.earlystopping.EarlyStoppingConfiguration;
import org.deeplearning4j.earlystopping.EarlyStoppingResult;
import org.deeplearning4j.earlystopping.saver.InMemoryModelSaver;
import org.deeplearning4j.earlystopping.scorecalc.DataSetLossCalculator;
import org.deeplearning4j.earlystopping.termination.MaxEpochsTerminationCondition;
import org.deeplearning4j.earlystopping.trainer.EarlyStoppingTrainer;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.api.OptimizationAlgorithm;
import org.deeplearning4j.nn.conf.BackpropType;
import org.deeplearning4j.nn.conf.dropout.Dropout;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.LocallyConnected2D;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.deeplearning4j.util.ModelSerializer;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** What a program does with planned steps, and what it is told where there are none. */
class PlannedTrainingUseTest {
  private static final DataSet BATCH = new DataSet(Nets.random(6, 4), Nets.classes(6, 3));

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
        new BatchNormalization.Builder().build(),
        new DenseLayer.Builder().nOut(4).dropOut(0.8).build(),
        output());
  }

  private static void same(INDArray ours, INDArray theirs) {
    assertThat(ours.sub(theirs).amaxNumber().doubleValue()).isLessThan(1e-9);
  }

  private static INDArray state(Model net) {
    return net instanceof ComputationGraph graph
        ? graph.getUpdater().getStateViewArray()
        : ((MultiLayerNetwork) net).getUpdater().getStateViewArray();
  }

  @Test
  void aHundredStepsAreThoseOfFit() {
    MultiLayerNetwork plain = network();
    Nd4j.getRandom().setSeed(1);
    for (int k = 0; k < 120; k++) {
      plain.fit(BATCH);
    }
    double random = Nd4j.getRandom().nextDouble();
    MultiLayerNetwork net = network();
    Nd4j.getRandom().setSeed(1);
    try (PlannedTraining training = PlannedTraining.of(net)) {
      for (int k = 0; k < 120; k++) {
        training.fit(BATCH);
      }
    }
    same(net.params(), plain.params());
    same(state(net), state(plain));
    assertThat(net.score()).isCloseTo(plain.score(), within(1e-9));
    assertThat(Nd4j.getRandom().nextDouble()).isEqualTo(random);
    same(net.output(BATCH.getFeatures()), plain.output(BATCH.getFeatures()));
  }

  @Test
  void stepsOfBothKindsTakeTurns() {
    MultiLayerNetwork plain = network();
    MultiLayerNetwork net = network();
    Nd4j.getRandom().setSeed(1);
    for (int k = 0; k < 8; k++) {
      plain.fit(BATCH);
    }
    Nd4j.getRandom().setSeed(1);
    try (PlannedTraining training = PlannedTraining.of(net)) {
      for (int k = 0; k < 4; k++) {
        training.fit(BATCH);
        net.fit(BATCH);
      }
    }
    same(net.params(), plain.params());
    same(state(net), state(plain));
  }

  /** A listener saves the network in each iteration, as a CheckpointListener does. */
  @Test
  void isSavedAndLoadedWithItsUpdaterAtAnyTime() throws IOException {
    MultiLayerNetwork net = network();
    ByteArrayOutputStream[] saved = new ByteArrayOutputStream[1];
    net.setListeners(
        new BaseTrainingListener() {
          @Override
          public void iterationDone(Model model, int iteration, int epoch) {
            saved[0] = new ByteArrayOutputStream();
            try {
              ModelSerializer.writeModel(model, saved[0], true);
            } catch (IOException e) {
              throw new IllegalStateException(e);
            }
          }
        });
    try (PlannedTraining training = PlannedTraining.of(net)) {
      training.fit(BATCH);
      training.fit(BATCH);
      training.fit(BATCH);
    }
    MultiLayerNetwork again =
        ModelSerializer.restoreMultiLayerNetwork(
            new ByteArrayInputStream(saved[0].toByteArray()), true);
    same(again.params(), net.params());
    same(state(again), state(net));
    net.setListeners();
    again.setIterationCount(net.getIterationCount()); // the listener has heard of it before
    Nd4j.getRandom().setSeed(1);
    net.fit(BATCH);
    Nd4j.getRandom().setSeed(1);
    again.fit(BATCH);
    same(again.params(), net.params());
  }

  @Test
  void earlyStoppingTrainsByPlannedSteps() {
    EarlyStoppingResult<MultiLayerNetwork> plain = stopped(network(), false);
    EarlyStoppingResult<MultiLayerNetwork> planned = stopped(network(), true);
    assertThat(planned.getTotalEpochs()).isEqualTo(plain.getTotalEpochs());
    assertThat(planned.getBestModelScore()).isCloseTo(plain.getBestModelScore(), within(1e-9));
    same(planned.getBestModel().params(), plain.getBestModel().params());
  }

  private static EarlyStoppingResult<MultiLayerNetwork> stopped(
      MultiLayerNetwork net, boolean planned) {
    EarlyStoppingConfiguration<MultiLayerNetwork> configuration =
        new EarlyStoppingConfiguration.Builder<MultiLayerNetwork>()
            .epochTerminationConditions(new MaxEpochsTerminationCondition(5))
            .scoreCalculator(
                new DataSetLossCalculator(new ExistingDataSetIterator(List.of(BATCH)), true))
            .modelSaver(new InMemoryModelSaver<>())
            .build();
    EarlyStoppingTrainer trainer =
        new EarlyStoppingTrainer(
            configuration, net, new ExistingDataSetIterator(List.of(BATCH, BATCH)));
    Nd4j.getRandom().setSeed(1);
    List<EarlyStoppingResult<MultiLayerNetwork>> results = new ArrayList<>();
    boolean[] seen = new boolean[1];
    net.setListeners(
        new BaseTrainingListener() {
          @Override
          public void iterationDone(Model model, int iteration, int epoch) {
            seen[0] |=
                ((MultiLayerNetwork) model)
                    .getOptimizer()
                    .getClass()
                    .getName()
                    .contains("PlannedDescent");
          }
        });
    if (planned) {
      try (PlannedTraining training = PlannedTraining.of(net)) {
        training.during(() -> results.add(trainer.fit()));
      }
    } else {
      results.add(trainer.fit());
    }
    assertThat(seen[0]).isEqualTo(planned);
    return results.get(0);
  }

  @Test
  void allKindsOfDataAreTaken() {
    ComputationGraph plain = network().toComputationGraph();
    ComputationGraph net = network().toComputationGraph();
    Nd4j.getRandom().setSeed(1);
    plain.fit(BATCH);
    plain.fit(BATCH.toMultiDataSet());
    plain.fit(new ExistingDataSetIterator(List.of(BATCH, BATCH)), 2);
    plain.fit(new ListedBatches(List.of(BATCH.toMultiDataSet())));
    Nd4j.getRandom().setSeed(1);
    try (PlannedTraining training = PlannedTraining.of(net)) {
      training.fit(BATCH);
      training.fit(BATCH.toMultiDataSet());
      training.fit(new ExistingDataSetIterator(List.of(BATCH, BATCH)), 2);
      training.fit(new ListedBatches(List.of(BATCH.toMultiDataSet())));
    }
    same(net.params(), plain.params());
    assertThat(net.getIterationCount()).isEqualTo(plain.getIterationCount());
    assertThat(net.getEpochCount()).isEqualTo(plain.getEpochCount());
  }

  @Test
  void singlePrecisionIsThatOfFitUpToRounding() {
    assertThat(apartInSinglePrecision(new DenseLayer.Builder().nOut(4).build())).isLessThan(1e-5);
    // statistics of six samples make much of rounding
    assertThat(apartInSinglePrecision(new BatchNormalization.Builder().build())).isLessThan(2e-3);
  }

  private static double apartInSinglePrecision(Layer second) {
    MultiLayerNetwork[] nets = new MultiLayerNetwork[2];
    for (int k = 0; k < 2; k++) {
      nets[k] =
          Nets.sequential(
              Nets.builder().dataType(DataType.FLOAT),
              InputType.feedForward(4),
              new DenseLayer.Builder().nOut(5).build(),
              second.clone(),
              output());
    }
    DataSet batch =
        new DataSet(
            BATCH.getFeatures().castTo(DataType.FLOAT), BATCH.getLabels().castTo(DataType.FLOAT));
    try (PlannedTraining training = PlannedTraining.of(nets[1])) {
      for (int k = 0; k < 30; k++) {
        nets[0].fit(batch);
        training.fit(batch);
      }
    }
    return nets[1].params().sub(nets[0].params()).amaxNumber().doubleValue();
  }

  @Test
  void anExceptionOfAListenerLeavesTheNetworkWithItsOwnSolver() {
    MultiLayerNetwork net = network();
    net.setListeners(
        new BaseTrainingListener() {
          @Override
          public void onGradientCalculation(Model model) {
            throw new IllegalStateException("the listener's own");
          }
        });
    try (PlannedTraining training = PlannedTraining.of(net)) {
      assertThatThrownBy(() -> training.fit(BATCH)).hasMessage("the listener's own");
    }
    net.setListeners();
    assertThat(net.getOptimizer().getClass().getSimpleName())
        .isEqualTo("StochasticGradientDescent");
    net.fit(BATCH);
  }

  // ---- refusals ----

  private static void refused(MultiLayerNetwork net, String... words) {
    INDArray before = net.params().dup();
    assertThatThrownBy(() -> PlannedTraining.of(net))
        .isInstanceOf(PlannedTrainingException.class)
        .hasMessageContainingAll(words);
    assertThat(net.params()).isEqualTo(before);
  }

  @Test
  void otherOptimisersAreRefused() {
    refused(
        Nets.sequential(
            Nets.builder().optimizationAlgo(OptimizationAlgorithm.LBFGS),
            InputType.feedForward(4),
            new DenseLayer.Builder().nOut(5).build(),
            output()),
        "LBFGS",
        "STOCHASTIC_GRADIENT_DESCENT",
        "net.fit");
  }

  @Test
  void truncatedBackpropagationIsRefused() {
    MultiLayerNetwork net =
        new MultiLayerNetwork(
            Nets.builder()
                .list()
                .layer(new LSTM.Builder().nOut(3).build())
                .layer(new RnnOutputLayer.Builder(LossFunction.MSE).nOut(2).build())
                .setInputType(InputType.recurrent(2))
                .backpropType(BackpropType.TruncatedBPTT)
                .tBPTTLength(3)
                .build());
    net.init();
    refused(net, "truncated backpropagation", "BackpropType.Standard");
  }

  @Test
  void whatCannotBeConvertedIsRefusedByName() {
    refused(
        Nets.sequential(
            InputType.feedForward(4),
            new DenseLayer.Builder().nOut(4).dropOut(new OwnDropout()).build(),
            output()),
        "layer \"0\" (DenseLayer)",
        "OwnDropout");
  }

  /** Changes inputs in a way that nobody knows. */
  private static final class OwnDropout extends Dropout {
    private static final long serialVersionUID = 1L;

    OwnDropout() {
      super(0.5);
    }

    @Override
    public OwnDropout clone() {
      return new OwnDropout();
    }
  }

  /** DL4J has twice the gradient of a SameDiff layer: a planned step would be another. */
  @Test
  void layersWhoseGradientDl4jHasWrongAreRefusedAtTheFirstBatch() {
    MultiLayerNetwork net =
        Nets.sequential(
            InputType.convolutional(4, 4, 1),
            new LocallyConnected2D.Builder().kernelSize(2, 2).nOut(2).build(),
            output());
    DataSet batch = new DataSet(Nets.random(5, 1, 4, 4), Nets.classes(5, 3));
    INDArray before = net.params().dup();
    Nd4j.getRandom().setSeed(3);
    try (PlannedTraining training = PlannedTraining.of(net)) {
      assertThatThrownBy(() -> training.fit(batch))
          .isInstanceOf(PlannedTrainingException.class)
          .hasMessageContainingAll("twice the gradient", "net.fit");
    }
    assertThat(net.params()).isEqualTo(before);
    assertThat(net.getIterationCount()).isZero();
    net.fit(batch);
    assertThat(net.getIterationCount()).isEqualTo(1);
  }

  /** What such a layer draws cannot be drawn without its backward pass. */
  /** M2.1's softmax_bp, where oneDNN is at work, for arrays of different orders. */
  private static boolean softmaxIsWrongInSinglePrecision() {
    INDArray x = Nets.random(3, 6);
    INDArray e = Nets.random(3, 6).muli(3).dup('f');
    Activation softmax = Activation.SOFTMAX;
    INDArray right = softmax.getActivationFunction().backprop(x.dup(), e.dup('f')).getFirst();
    INDArray single =
        softmax
            .getActivationFunction()
            .backprop(x.castTo(DataType.FLOAT), e.castTo(DataType.FLOAT))
            .getFirst();
    return single.castTo(DataType.DOUBLE).sub(right).amaxNumber().doubleValue() > 1e-3;
  }

  @Test
  void aGradientThatDl4jHasWrongInSinglePrecisionAloneIsRefused() {
    assumeTrue(softmaxIsWrongInSinglePrecision());
    MultiLayerNetwork net =
        Nets.sequential(
                InputType.recurrent(4),
                new LSTM.Builder().nOut(3).activation(Activation.SOFTMAX).build(),
                new RnnOutputLayer.Builder(LossFunction.MSE)
                    .nOut(2)
                    .activation(Activation.TANH)
                    .build())
            .convertDataType(DataType.FLOAT);
    DataSet single =
        new DataSet(
            Nets.random(4, 4, 5).castTo(DataType.FLOAT),
            Nets.random(4, 2, 5).castTo(DataType.FLOAT));
    try (PlannedTraining training = PlannedTraining.of(net)) {
      assertThatThrownBy(() -> training.fit(single))
          .isInstanceOf(PlannedTrainingException.class)
          .hasMessageContaining("wrong in single precision")
          .hasMessageContaining("net.fit");
    }
  }

  @Test
  void aScoreMayBeInfinite() {
    DataSet far = new DataSet(Nets.random(6, 4), Nets.random(6, 2).muli(1e200));
    INDArray[] parameters = new INDArray[2];
    for (int k = 0; k < 2; k++) {
      MultiLayerNetwork net =
          Nets.sequential(
              Nets.builder().updater(new Sgd(1e-200)),
              InputType.feedForward(4),
              new OutputLayer.Builder(LossFunction.MSE)
                  .nOut(2)
                  .activation(Activation.IDENTITY)
                  .build());
      try (PlannedTraining training = PlannedTraining.of(net)) {
        for (int step = 0; step < 3; step++) {
          if (k == 0) {
            net.fit(far);
          } else {
            training.fit(far);
          }
        }
      }
      assertThat(net.score()).isInfinite();
      parameters[k] = net.params();
    }
    same(parameters[1], parameters[0]);
  }

  @Test
  void dropoutThatCannotBeDrawnIsRefusedAndTheGeneratorIsWhereItWas() {
    MultiLayerNetwork net =
        Nets.sequential(
            InputType.recurrent(2),
            new LSTM.Builder().nOut(3).build(),
            new RnnOutputLayer.Builder(LossFunction.MSE)
                .nOut(3)
                .activation(Activation.IDENTITY)
                .dropOut(0.6)
                .build());
    DataSet batch = new DataSet(Nets.random(4, 2, 5), Nets.random(4, 3, 5));
    INDArray before = net.params().dup();
    Nd4j.getRandom().setSeed(3);
    double next = Nd4j.getRandom().nextDouble();
    Nd4j.getRandom().setSeed(3);
    try (PlannedTraining training = PlannedTraining.of(net)) {
      assertThatThrownBy(() -> training.fit(batch))
          .isInstanceOf(PlannedTrainingException.class)
          .hasMessageContainingAll("layer \"1\"", "DropoutLayer", "net.fit");
    }
    assertThat(net.params()).isEqualTo(before);
    assertThat(Nd4j.getRandom().nextDouble()).isEqualTo(next);
  }

  @Test
  void twoTrainingsOfOneNetworkDoNotMix() {
    MultiLayerNetwork net = network();
    try (PlannedTraining one = PlannedTraining.of(net);
        PlannedTraining other = PlannedTraining.of(net)) {
      one.during(
          () -> {
            one.fit(BATCH); // its own
            assertThatThrownBy(() -> other.fit(BATCH)).hasMessageContaining("already");
          });
      other.fit(BATCH);
    }
    assertThat(net.getIterationCount()).isEqualTo(2);
  }

  @Test
  void aStepThatFailsLeavesTheGeneratorWhereItWas() {
    MultiLayerNetwork net =
        Nets.sequential(
            Nets.builder().updater(new Sgd(0.1)),
            InputType.feedForward(4),
            new DenseLayer.Builder().nOut(5).build(),
            new DenseLayer.Builder().nOut(4).dropOut(0.7).build(),
            new OutputLayer.Builder(LossFunction.MCXENT)
                .nOut(3)
                .activation(Activation.SOFTMAX)
                .build());
    DataSet batch = new DataSet(Nets.random(5, 4), Nets.classes(5, 3));
    try (PlannedTraining training = PlannedTraining.of(net)) {
      training.fit(batch); // by DL4J's own pass as well
      training.fit(batch);
      net.setListeners(
          new BaseTrainingListener() {
            @Override
            public void onBackwardPass(Model model) {
              throw new IllegalStateException("mine");
            }
          });
      INDArray before = net.params().dup();
      Nd4j.getRandom().setSeed(3);
      double next = Nd4j.getRandom().nextDouble();
      Nd4j.getRandom().setSeed(3);
      assertThatThrownBy(() -> training.fit(batch)).hasMessageContaining("mine");
      assertThat(Nd4j.getRandom().nextDouble()).isEqualTo(next);
      assertThat(net.params()).isEqualTo(before);
    }
  }
}
