package org.backpack4j.dl4j.internal.listen;

import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.backpack4j.dl4j.internal.convert.NetworkBatch;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.api.layers.RecurrentLayer;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.WorkspaceMode;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A network in double precision, with parameters of its own and without updater or listeners: what
 * DL4J computes with it leaves the network as it is.
 */
final class DoubleNetwork {
  private final Model copy;

  /** Copies a network. */
  DoubleNetwork(Model net) {
    INDArray parameters = own(net.params());
    if (net instanceof ComputationGraph graph) {
      ComputationGraphConfiguration conf = graph.getConfiguration().clone();
      conf.setDataType(DataType.DOUBLE);
      conf.setTrainingWorkspaceMode(WorkspaceMode.NONE);
      conf.setInferenceWorkspaceMode(WorkspaceMode.NONE);
      ComputationGraph made = new ComputationGraph(conf);
      made.init(parameters, false);
      copy = made;
    } else {
      MultiLayerConfiguration conf = ((MultiLayerNetwork) net).getLayerWiseConfigurations().clone();
      conf.setDataType(DataType.DOUBLE);
      conf.setTrainingWorkspaceMode(WorkspaceMode.NONE);
      conf.setInferenceWorkspaceMode(WorkspaceMode.NONE);
      MultiLayerNetwork made = new MultiLayerNetwork(conf);
      made.init(parameters, false);
      copy = made;
    }
  }

  private static INDArray own(INDArray array) {
    return array.dataType() == DataType.DOUBLE
        ? array.dup(array.ordering())
        : array.castTo(DataType.DOUBLE);
  }

  private static @Nullable INDArray @Nullable [] own(@Nullable INDArray @Nullable [] arrays) {
    return arrays == null
        ? null
        : Arrays.stream(arrays).map(a -> a == null ? null : own(a)).toArray(INDArray[]::new);
  }

  /** The copy. */
  Model model() {
    return copy;
  }

  /** A parameter's array, to be changed in place. */
  INDArray parameter(String name) {
    return Objects.requireNonNull(copy.paramTable().get(name), name);
  }

  /** A batch in double precision. */
  static NetworkBatch own(NetworkBatch batch) {
    Map<String, Map<String, INDArray>> states = new LinkedHashMap<>();
    batch
        .states()
        .forEach(
            (layer, state) -> {
              Map<String, INDArray> own = new LinkedHashMap<>();
              if (state != null) {
                state.forEach((key, array) -> own.put(key, own(array)));
              }
              states.put(layer, own);
            });
    return new NetworkBatch(
        Arrays.stream(batch.features()).map(DoubleNetwork::own).toArray(INDArray[]::new),
        Arrays.stream(batch.labels()).map(DoubleNetwork::own).toArray(INDArray[]::new),
        own(batch.featureMasks()),
        own(batch.labelMasks()),
        states);
  }

  /**
   * DL4J's forward and backward pass.
   *
   * @param batch a batch in double precision
   */
  void compute(NetworkBatch batch) {
    batch.states().forEach(this::begin);
    if (copy instanceof ComputationGraph graph) {
      graph.setInputs(batch.features());
      graph.setLabels(batch.labels());
      graph.setLayerMaskArrays(batch.featureMasks(), batch.labelMasks());
      graph.computeGradientAndScore();
      graph.clearLayerMaskArrays();
    } else {
      MultiLayerNetwork network = (MultiLayerNetwork) copy;
      network.setInput(batch.features()[0]);
      network.setLabels(batch.labels()[0]);
      network.setLayerMaskArrays(only(batch.featureMasks()), only(batch.labelMasks()));
      network.computeGradientAndScore();
      network.clearLayerMaskArrays();
    }
  }

  private static @Nullable INDArray only(@Nullable INDArray @Nullable [] masks) {
    return masks == null ? null : masks[0];
  }

  private void begin(String name, Map<String, INDArray> state) {
    Layer layer =
        copy instanceof ComputationGraph graph
            ? graph.getLayer(name)
            : ((MultiLayerNetwork) copy).getLayer(Integer.parseInt(name));
    if (layer instanceof RecurrentLayer recurrent) {
      recurrent.rnnClearPreviousState(); // what the last pass has left
      recurrent.rnnSetPreviousState(state); // GravesLSTM looks at it, the others at the next
      recurrent.rnnSetTBPTTState(new HashMap<>(state));
    }
  }

  /** The gradient of the last pass. */
  Map<String, INDArray> gradient() {
    Map<String, INDArray> gradient = new LinkedHashMap<>();
    // locked parameters have a gradient too, in memory that is not there any more
    copy.gradient()
        .gradientForVariable()
        .forEach(
            (name, array) -> {
              if (copy.paramTable().containsKey(name)) {
                gradient.put(name, array.dup('c'));
              }
            });
    return gradient;
  }

  /** The score of the last pass without l1 and l2, whose gradient DL4J adds in its updater. */
  double score() {
    return copy.score() - penalty(copy);
  }

  /** What l1 and l2 add to a network's score. */
  static double penalty(Model net) {
    return net instanceof ComputationGraph graph
        ? graph.calcRegularizationScore(true)
        : ((MultiLayerNetwork) net).calcRegularizationScore(true);
  }
}
