package org.backpack4j.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.ref.WeakReference;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.backpack4j.dl4j.testing.Counting;
import org.backpack4j.dl4j.testing.Nets;
import org.backpack4j.dl4j.testing.SeveralNetworks;
import org.backpack4j.samediff.TrainingStep;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.internal.execution.PlannedGraph;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** One listener on several networks. */
class SeveralNetworksTest {
  private static final DataSet BATCH = new DataSet(Nets.random(6, 4), Nets.classes(6, 3));

  private static OutputLayer output() {
    return new OutputLayer.Builder(LossFunction.MCXENT)
        .nOut(3)
        .activation(Activation.SOFTMAX)
        .build();
  }

  private static MultiLayerNetwork sequential(int seed) {
    return Nets.sequential(
        Nets.builder().seed(seed),
        InputType.feedForward(4),
        new DenseLayer.Builder().nOut(5).dropOut(0.9).build(),
        output());
  }

  private static ComputationGraph graph() {
    return Nets.graph(
        Nets.graph(InputType.feedForward(4))
            .addLayer("dense", new DenseLayer.Builder().nOut(5).build(), "in")
            .addLayer("norm", new BatchNormalization.Builder().build(), "dense")
            .addLayer("out", output(), "norm")
            .setOutputs("out"));
  }

  private static void fit(Model net) {
    if (net instanceof ComputationGraph graph) {
      graph.fit(BATCH);
    } else {
      ((MultiLayerNetwork) net).fit(BATCH);
    }
  }

  @Test
  void eightThreadsTrainEightNetworks() throws Exception {
    assertThat(new SeveralNetworks().train(8, 8)).isEmpty();
  }

  @Test
  void networksInTurnsAreConvertedOnce() {
    Counting counting = new Counting();
    List<MultiLayerNetwork> nets = List.of(sequential(1), sequential(2));
    try (BackPackListener listener = new BackPackListener(counting)) {
      nets.forEach(net -> net.setListeners(listener));
      for (int k = 0; k < 4; k++) {
        for (MultiLayerNetwork net : nets) {
          INDArray[] gradient = new INDArray[1];
          net.setListeners(listener, Nets.gradients("0_W", gradient));
          fit(net);
          INDArray own = listener.latest().quantities().gradient("0_W");
          assertThat(own.distance2(gradient[0])).isLessThan(1e-12);
          assertThat(listener.latest()).isSameAs(listener.latest(net));
        }
      }
      assertThat(listener.latest(nets.get(0))).isNotSameAs(listener.latest(nets.get(1)));
      assertThat(counting.extended).hasValue(2 * 4); // a weight and a bias in each of two layers
    }
  }

  @Test
  void theLatestStepIsThatOfWhatTheThreadHasTrainedLast() throws Exception {
    MultiLayerNetwork here = sequential(1);
    MultiLayerNetwork there = sequential(2);
    try (BackPackListener listener = new BackPackListener(new BatchGrad())) {
      here.setListeners(listener);
      there.setListeners(listener);
      assertThatThrownBy(() -> listener.latest(here)).isInstanceOf(IllegalStateException.class);
      inThread(() -> fit(there));
      assertThat(listener.latest()).isSameAs(listener.latest(there)); // nothing trained here
      fit(here);
      inThread(
          () -> {
            fit(there);
            fit(there);
          });
      assertThat(listener.latest()).isSameAs(listener.latest(here));
      assertThat(listener.latest(there).iteration()).isEqualTo(2);
      inThread(() -> fit(here)); // as a ParallelWrapper's worker does
      assertThat(listener.latest().iteration()).isEqualTo(1);
    }
  }

  private static void inThread(Runnable work) throws InterruptedException {
    Thread thread = new Thread(work);
    thread.start();
    thread.join();
  }

  static Stream<Supplier<Model>> networks() {
    return Stream.of(() -> sequential(3), SeveralNetworksTest::graph);
  }

  @ParameterizedTest
  @MethodSource("networks")
  void aNetworkThatIsGoneIsNotKept(Supplier<Model> networks) {
    try (BackPackListener listener = new BackPackListener(new BatchGrad())) {
      WeakReference<Model> gone = trained(networks, listener);
      for (int k = 0; gone.get() != null && k < 50; k++) {
        System.gc();
      }
      assertThat(gone.get()).isNull();
      assertThat(listener.outputs()).isNotEmpty(); // its latest step is still to be had
    }
  }

  private static WeakReference<Model> trained(Supplier<Model> networks, BackPackListener listener) {
    Model net = networks.get();
    net.setListeners(List.of(listener));
    fit(net);
    return new WeakReference<>(net);
  }

  /** A graph that a person has made keeps the network whose parameters it reads. */
  @Test
  void aConversionOfAPersonKeepsItsNetwork() {
    ConvertedNetwork converted = Dl4jConverter.toSameDiff(graph());
    System.gc();
    assertThat(converted.sameDiff().getArrForVarName("dense_W").shape()).containsExactly(4, 5);
  }

  @Test
  void stepsThatNobodyHasAskedForTakeNoMemory() {
    MultiLayerNetwork net =
        Nets.sequential(
            InputType.feedForward(4), new DenseLayer.Builder().nOut(1000).build(), output());
    long step = (1 + 6) * (4 * 1000 + 1000 + 3 * 1000 + 3) * 8L;
    try (BackPackListener listener = new BackPackListener(new BatchGrad())) {
      net.setListeners(listener);
      fit(net);
      fit(net);
      long before = PlannedGraph.allocated();
      for (int k = 0; k < 20; k++) {
        fit(net);
      }
      assertThat(PlannedGraph.allocated() - before).isLessThan(3 * step);
    }
  }

  @Test
  void whatWasAskedForStaysAsItIs() {
    MultiLayerNetwork net = sequential(4);
    try (BackPackListener listener = new BackPackListener(new BatchGrad())) {
      net.setListeners(listener);
      fit(net);
      TrainingStep held = listener.latest();
      INDArray rows = held.quantities().get("0_W", BatchGrad.class).dup();
      for (int k = 0; k < 5; k++) {
        fit(net);
      }
      assertThat(held.quantities().get("0_W", BatchGrad.class)).isEqualTo(rows);
    }
  }
}
