package org.backpack4j.examples.reference;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.LongStream;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.ILossFunction;
import org.nd4j.linalg.lossfunctions.impl.LossBinaryXENT;
import org.nd4j.linalg.lossfunctions.impl.LossL2;
import org.nd4j.linalg.lossfunctions.impl.LossMCXENT;
import org.nd4j.linalg.lossfunctions.impl.LossMSE;
import org.nd4j.linalg.ops.transforms.Transforms;

/**
 * A case as a ComputationGraph. PyTorch's linear weights are [out, in], DL4J's [in, out]; those of
 * a convolution of one dimension are [out, in, k], and DL4J reads its entries as [k, in, out];
 * vectors are [C] there and [1, C] here.
 */
final class Dl4jCase {
  /** DL4J's keys by PyTorch's; a normalisation's weight is gamma and its bias beta. */
  private static final Map<String, String> KEYS =
      Map.of("weight", "W", "bias", "b", "running_mean", "mean", "running_var", "var");

  private final ReferenceCase reference;
  private final UnaryOperator<String> names;

  Dl4jCase(ReferenceCase reference) {
    this(reference, n -> n);
  }

  /** A case whose nodes have other names in the network. */
  Dl4jCase(ReferenceCase reference, UnaryOperator<String> names) {
    this.reference = reference;
    this.names = names;
  }

  /** Whether DL4J has all its layers, and its last one is linear. */
  static boolean fits(ReferenceCase reference) {
    List<CaseNode> nodes = reference.nodes();
    CaseNode last = nodes.get(nodes.size() - 1);
    boolean shares = nodes.stream().anyMatch(n -> !n.owner().equals(n.name()));
    return !shares
        && nodes.stream().allMatch(n -> Dl4jNodes.fit(n, reference))
        && last.op().equals("linear")
        && reference.inputs().size() == 1
        && reference.output().rank() == 2
        && !reference.loss().attributes().has("label_smoothing")
        && Set.of("cross_entropy", "mse", "bce_with_logits").contains(reference.loss().type())
        && fitsTarget(reference);
  }

  /** DL4J's binary cross-entropy adds the outputs up, PyTorch's mean runs over them. */
  private static boolean fitsTarget(ReferenceCase reference) {
    boolean mean = isMean(reference);
    return switch (reference.loss().type()) {
      case "cross_entropy" -> reference.target().rank() == 1;
      case "mse" -> true;
      default -> !mean || reference.output().size(1) == 1;
    };
  }

  private static boolean isMean(ReferenceCase reference) {
    return reference.loss().reduction().equals("mean");
  }

  /** Whether samples would influence each other in training mode. */
  boolean normalises() {
    return !reference.buffers().isEmpty();
  }

  /** The network, with the case's parameters and statistics. */
  ComputationGraph network() {
    GraphBuilder graph =
        new NeuralNetConfiguration.Builder()
            .dataType(DataType.DOUBLE)
            .updater(new Sgd(0.1))
            .activation(Activation.IDENTITY)
            .graphBuilder()
            .addInputs("input");
    Dl4jNodes nodes = new Dl4jNodes(reference, graph);
    CaseNode last = reference.nodes().get(reference.nodes().size() - 1);
    reference.nodes().stream().filter(n -> n != last).forEach(nodes::add);
    nodes.output(last, new OutputLayer.Builder(loss()).activation(lastActivation()));
    ComputationGraph net = new ComputationGraph(graph.setOutputs(last.name()).build());
    net.init();
    fill(net);
    return net;
  }

  /** Gives a network the case's parameters and statistics. */
  void fill(ComputationGraph net) {
    reference.parameters().forEach((name, array) -> assign(net, parameter(name), name, array));
    reference.buffers().forEach((name, array) -> assign(net, parameter(name), name, array));
  }

  private void assign(ComputationGraph net, String to, String name, INDArray array) {
    if (!net.paramTable().containsKey(to) && to.endsWith("_var")) { // the other way to keep it
      INDArray halved = Transforms.log(array, 10, true).mul(0.5);
      assign(net, to.replaceFirst("_var$", "_log10stdev"), name, halved);
      return;
    }
    INDArray own = net.getParam(to);
    own.assign(isTurned(name) ? turned(array, 0).reshape(own.shape()) : array.reshape(own.shape()));
  }

  private ILossFunction loss() {
    return switch (reference.loss().type()) {
      case "cross_entropy" -> new LossMCXENT();
      case "mse" -> isMean(reference) ? new LossMSE() : new LossL2();
      default -> new LossBinaryXENT();
    };
  }

  private Activation lastActivation() {
    return switch (reference.loss().type()) {
      case "cross_entropy" -> Activation.SOFTMAX;
      case "mse" -> Activation.IDENTITY;
      default -> Activation.SIGMOID;
    };
  }

  INDArray features() {
    return reference.inputs().values().iterator().next();
  }

  /** Labels as DL4J wants them: classes one-hot. */
  INDArray labels() {
    INDArray target = reference.target();
    if (!reference.loss().type().equals("cross_entropy")) {
      return target;
    }
    INDArray labels = Nd4j.zeros(DataType.DOUBLE, reference.output().shape());
    for (int n = 0; n < target.length(); n++) {
      labels.putScalar(n, target.getLong(n), 1);
    }
    return labels;
  }

  /** DL4J's name of a parameter or statistic. */
  String parameter(String name) {
    int dot = name.lastIndexOf('.');
    String key = name.substring(dot + 1);
    if (op(name).startsWith("batch_norm")) {
      key = key.equals("weight") ? "gamma" : key.equals("bias") ? "beta" : key;
    }
    return names.apply(name.substring(0, dot)) + "_" + KEYS.getOrDefault(key, key);
  }

  private String op(String parameter) {
    String node = parameter.substring(0, parameter.lastIndexOf('.'));
    return reference.nodes().stream()
        .filter(n -> n.name().equals(node))
        .findFirst()
        .orElseThrow()
        .op();
  }

  private boolean isTurned(String name) {
    return name.endsWith(".weight") && Set.of("linear", "conv1d").contains(op(name));
  }

  /** With the axes from one on the other way round. */
  private static INDArray turned(INDArray array, int from) {
    int[] axes = new int[array.rank()];
    Arrays.setAll(axes, k -> k < from ? k : array.rank() - 1 - (k - from));
    return array.permute(axes).dup('c');
  }

  /** A quantity in PyTorch's layout, the samples first where it is per sample. */
  INDArray layout(String name, String field, INDArray computed) {
    if (field.equals("batch_l2")) {
      return computed;
    }
    boolean samples = Set.of("grad_batch", "diag_ggn_exact_batch").contains(field);
    LongStream.Builder shape = LongStream.builder();
    if (samples) {
      shape.add(computed.size(0));
    }
    long[] own = reference.parameters().get(name).shape();
    if (!isTurned(name)) {
      Arrays.stream(own).forEach(shape);
      return computed.dup('c').reshape('c', shape.build().toArray());
    }
    for (int k = own.length - 1; k >= 0; k--) {
      shape.add(own[k]);
    }
    INDArray theirs = computed.dup('c').reshape('c', shape.build().toArray());
    return turned(theirs, samples ? 1 : 0);
  }
}
