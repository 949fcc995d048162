package org.backpack4j.examples.reference;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.deeplearning4j.nn.conf.graph.MergeVertex;
import org.deeplearning4j.nn.conf.graph.PreprocessorVertex;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.conf.preprocessor.CnnToFeedForwardPreProcessor;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.ILossFunction;
import org.nd4j.linalg.lossfunctions.impl.LossBinaryXENT;
import org.nd4j.linalg.lossfunctions.impl.LossMCXENT;
import org.nd4j.linalg.lossfunctions.impl.LossMSE;

/**
 * A case as a ComputationGraph. PyTorch's linear weights are [out, in], DL4J's [in, out]; biases
 * are [out] there and [1, out] here.
 */
final class Dl4jCase {
  private static final Map<String, Activation> ACTIVATIONS =
      Map.of(
          "relu", Activation.RELU,
          "selu", Activation.SELU,
          "sigmoid", Activation.SIGMOID,
          "silu", Activation.SWISH,
          "softsign", Activation.SOFTSIGN,
          "tanh", Activation.TANH);

  private final ReferenceCase reference;

  Dl4jCase(ReferenceCase reference) {
    this.reference = reference;
  }

  /** Whether DL4J has all its layers, and its last one is linear. */
  static boolean fits(ReferenceCase reference) {
    List<CaseNode> nodes = reference.nodes();
    CaseNode last = nodes.get(nodes.size() - 1);
    return nodes.stream().allMatch(Dl4jCase::fits)
        && last.op().equals("linear")
        && reference.inputs().size() == 1
        && reference.output().rank() == 2
        && !reference.loss().attributes().has("label_smoothing")
        && Set.of("cross_entropy", "mse", "bce_with_logits").contains(reference.loss().type())
        && fitsTarget(reference);
  }

  /** DL4J's binary cross-entropy adds the outputs up, PyTorch's mean runs over them. */
  private static boolean fitsTarget(ReferenceCase reference) {
    String type = reference.loss().type();
    boolean mean = reference.loss().reduction().equals("mean");
    long outputs = reference.output().size(1);
    boolean classes = reference.target().rank() == 1;
    return type.equals("cross_entropy")
        ? classes
        : type.equals("mse") ? mean : !mean || outputs == 1;
  }

  private static boolean fits(CaseNode node) {
    Attributes a = node.attributes();
    if (!node.owner().equals(node.name())) {
      return false; // shared parameters
    }
    return switch (node.op()) {
      case "linear", "flatten", "add" -> true;
      case "cat" -> a.integer("dim", 0) == 1;
      case "conv2d" ->
          a.integer("groups", 1) == 1
              && !a.isText("padding")
              && a.text("padding_mode", "zeros").equals("zeros");
      case "max_pool2d" -> !a.flag("ceil_mode", false);
      case "avg_pool2d" -> !a.flag("ceil_mode", false) && !a.has("divisor_override");
      case "adaptive_avg_pool2d" ->
          Arrays.equals(a.integers("output_size").orElse(new long[0]), new long[] {1});
      default -> ACTIVATIONS.containsKey(node.op());
    };
  }

  /** The network, with the case's parameters. */
  ComputationGraph network() {
    GraphBuilder graph =
        new NeuralNetConfiguration.Builder()
            .dataType(DataType.DOUBLE)
            .updater(new Sgd(0.1))
            .activation(Activation.IDENTITY)
            .graphBuilder()
            .addInputs("input");
    List<CaseNode> nodes = reference.nodes();
    CaseNode last = nodes.get(nodes.size() - 1);
    nodes.forEach(node -> add(graph, node, node == last));
    ComputationGraph net = new ComputationGraph(graph.setOutputs(last.name()).build());
    net.init();
    reference
        .parameters()
        .forEach(
            (name, array) -> {
              INDArray own = net.getParam(parameter(name));
              own.assign(isLinearWeight(name) ? array.transpose() : array.reshape(own.shape()));
            });
    return net;
  }

  private void add(GraphBuilder graph, CaseNode node, boolean last) {
    Attributes a = node.attributes();
    String[] in = node.inputs().toArray(new String[0]);
    String name = node.name();
    switch (node.op()) {
      case "linear" -> {
        int inputs = (int) a.integer("in_features");
        int outputs = (int) a.integer("out_features");
        boolean bias = a.flag("bias", true);
        graph.addLayer(
            name,
            last
                ? new OutputLayer.Builder(loss())
                    .nIn(inputs)
                    .nOut(outputs)
                    .hasBias(bias)
                    .activation(lastActivation())
                    .build()
                : new DenseLayer.Builder().nIn(inputs).nOut(outputs).hasBias(bias).build(),
            in);
      }
      case "conv2d" ->
          graph.addLayer(
              name,
              new ConvolutionLayer.Builder(pair(a, "kernel_size", 1))
                  .nIn((int) a.integer("in_channels"))
                  .nOut((int) a.integer("out_channels"))
                  .stride(pair(a, "stride", 1))
                  .padding(pair(a, "padding", 0))
                  .dilation(pair(a, "dilation", 1))
                  .hasBias(a.flag("bias", true))
                  .build(),
              in);
      case "max_pool2d" -> graph.addLayer(name, pooling(a, SubsamplingLayer.PoolingType.MAX), in);
      case "avg_pool2d" -> graph.addLayer(name, pooling(a, SubsamplingLayer.PoolingType.AVG), in);
      case "adaptive_avg_pool2d" ->
          graph.addLayer(
              name,
              new GlobalPoolingLayer.Builder(PoolingType.AVG).collapseDimensions(false).build(),
              in);
      case "add" -> graph.addVertex(name, new ElementWiseVertex(ElementWiseVertex.Op.Add), in);
      case "cat" -> graph.addVertex(name, new MergeVertex(), in);
      case "flatten" ->
          graph.addVertex(name, new PreprocessorVertex(new CnnToFeedForwardPreProcessor()), in);
      default -> graph.addLayer(name, new ActivationLayer(ACTIVATIONS.get(node.op())), in);
    }
  }

  private static SubsamplingLayer pooling(Attributes a, SubsamplingLayer.PoolingType type) {
    int[] kernel = pair(a, "kernel_size", 1);
    return new SubsamplingLayer.Builder(type)
        .kernelSize(kernel)
        .stride(a.has("stride") ? pair(a, "stride", 1) : kernel)
        .padding(pair(a, "padding", 0))
        .dilation(pair(a, "dilation", 1))
        .avgPoolIncludePadInDivisor(a.flag("count_include_pad", true))
        .build();
  }

  private static int[] pair(Attributes a, String name, long otherwise) {
    return Arrays.stream(a.perDimension(name, 2, otherwise)).mapToInt(Math::toIntExact).toArray();
  }

  private ILossFunction loss() {
    return switch (reference.loss().type()) {
      case "cross_entropy" -> new LossMCXENT();
      case "mse" -> new LossMSE();
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

  /** DL4J's name of a parameter. */
  String parameter(String name) {
    int dot = name.lastIndexOf('.');
    return name.substring(0, dot) + (name.endsWith(".weight") ? "_W" : "_b");
  }

  private boolean isLinearWeight(String name) {
    String node = name.substring(0, name.lastIndexOf('.'));
    return name.endsWith(".weight")
        && reference.nodes().stream()
            .anyMatch(n -> n.name().equals(node) && n.op().equals("linear"));
  }

  /** A quantity in PyTorch's layout. */
  INDArray layout(String name, String field, INDArray computed) {
    if (field.equals("batch_l2")) {
      return computed;
    }
    boolean samples = field.equals("grad_batch");
    if (isLinearWeight(name)) {
      return (samples ? computed.permute(0, 2, 1) : computed.permute(1, 0)).dup('c');
    }
    if (name.endsWith(".bias")) {
      long outputs = computed.size(computed.rank() - 1);
      return samples ? computed.reshape(computed.size(0), outputs) : computed.reshape(outputs);
    }
    return computed;
  }
}
