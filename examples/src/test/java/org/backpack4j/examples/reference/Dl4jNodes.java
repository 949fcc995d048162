package org.backpack4j.examples.reference;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.deeplearning4j.nn.conf.graph.MergeVertex;
import org.deeplearning4j.nn.conf.graph.PreprocessorVertex;
import org.deeplearning4j.nn.conf.graph.ReshapeVertex;
import org.deeplearning4j.nn.conf.graph.ScaleVertex;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.Convolution1DLayer;
import org.deeplearning4j.nn.conf.layers.Convolution3D;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.Deconvolution2D;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.TimeDistributed;
import org.deeplearning4j.nn.conf.preprocessor.CnnToFeedForwardPreProcessor;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.activations.impl.ActivationLReLU;

/** The nodes of a case as layers and vertices of a ComputationGraph. */
final class Dl4jNodes {
  private static final Map<String, Activation> ACTIVATIONS =
      Map.of(
          "elu", Activation.ELU,
          "relu", Activation.RELU,
          "selu", Activation.SELU,
          "sigmoid", Activation.SIGMOID,
          "silu", Activation.SWISH,
          "softsign", Activation.SOFTSIGN,
          "tanh", Activation.TANH);

  private static final Set<String> PLAIN =
      Set.of("linear", "add", "concat", "embedding", "leaky_relu", "log_sigmoid");

  private final ReferenceCase reference;
  private final GraphBuilder graph;

  Dl4jNodes(ReferenceCase reference, GraphBuilder graph) {
    this.reference = reference;
    this.graph = graph;
  }

  /** Whether DL4J has it. */
  static boolean fit(CaseNode node, ReferenceCase reference) {
    Attributes a = node.attributes();
    return switch (node.op()) {
      case "cat" -> a.integer("dim", 0) == 1;
      case "flatten" -> a.integer("start_dim", 1) == 1;
      case "elu" -> a.number("alpha", 1) == 1;
      case "conv1d", "conv2d", "conv3d" -> fitsConvolution(a);
      case "conv_transpose2d" -> // DL4J's output has the size that it would have undilated
          fitsConvolution(a)
              && Arrays.stream(each(a, "dilation", 2, 1)).allMatch(n -> n == 1)
              && Arrays.stream(each(a, "output_padding", 2, 0)).allMatch(n -> n == 0);
      case "mul" -> // of one shape
          reference.nodes().stream().noneMatch(n -> n.op().equals("adaptive_avg_pool2d"));
      case "batch_norm2d" -> a.flag("affine", true);
      case "max_pool2d" -> !a.flag("ceil_mode", false);
      case "avg_pool2d" -> !a.flag("ceil_mode", false) && !a.has("divisor_override");
      case "adaptive_avg_pool2d" ->
          Arrays.stream(a.integers("output_size").orElse(new long[0])).allMatch(n -> n == 1);
      default -> PLAIN.contains(node.op()) || ACTIVATIONS.containsKey(node.op());
    };
  }

  private static boolean fitsConvolution(Attributes a) {
    return a.integer("groups", 1) == 1
        && !a.isText("padding")
        && a.text("padding_mode", "zeros").equals("zeros");
  }

  /** Adds a node that has a layer or vertex of its own. */
  void add(CaseNode node) {
    Attributes a = node.attributes();
    String[] in = node.inputs().toArray(new String[0]);
    String name = node.name();
    switch (node.op()) {
      case "add" -> graph.addVertex(name, new ElementWiseVertex(ElementWiseVertex.Op.Add), in);
      case "mul" -> graph.addVertex(name, new ElementWiseVertex(ElementWiseVertex.Op.Product), in);
      case "cat", "concat" -> graph.addVertex(name, new MergeVertex(), in);
      case "flatten" -> flatten(node);
      case "log_sigmoid" -> { // minus the softplus of minus the argument
        graph.addVertex(name + ".minus", new ScaleVertex(-1), in);
        graph.addLayer(
            name + ".softplus", new ActivationLayer(Activation.SOFTPLUS), name + ".minus");
        graph.addVertex(name, new ScaleVertex(-1), name + ".softplus");
      }
      default -> graph.addLayer(name, layer(node, a), in);
    }
  }

  private Layer layer(CaseNode node, Attributes a) {
    return switch (node.op()) {
      case "linear" -> {
        DenseLayer dense =
            new DenseLayer.Builder()
                .nIn((int) a.integer("in_features"))
                .nOut((int) a.integer("out_features"))
                .hasBias(a.flag("bias", true))
                .build();
        yield rank(node.inputs().get(0)) == 3 ? new TimeDistributed(dense, RNNFormat.NWC) : dense;
      }
      case "conv1d" ->
          set(new Convolution1DLayer.Builder(), a, 1)
              .convolutionMode(ConvolutionMode.Truncate)
              .build();
      case "conv2d" -> set(new ConvolutionLayer.Builder(), a, 2).build();
      case "conv3d" -> set(new Convolution3D.Builder(), a, 3).build();
      case "conv_transpose2d" -> set(new Deconvolution2D.Builder(), a, 2).build();
      case "embedding" ->
          new EmbeddingSequenceLayer.Builder()
              .nIn((int) a.integer("num_embeddings"))
              .nOut((int) a.integer("embedding_dim"))
              .inputLength((int) reference.inputs().values().iterator().next().size(1))
              .outputDataFormat(RNNFormat.NWC)
              .build();
      case "batch_norm2d" ->
          new BatchNormalization.Builder()
              .nIn((int) a.integer("num_features"))
              .nOut((int) a.integer("num_features"))
              .eps(a.number("eps", 1e-5))
              .useLogStd(false)
              .build();
      case "max_pool2d" -> pooling(a, SubsamplingLayer.PoolingType.MAX);
      case "avg_pool2d" -> pooling(a, SubsamplingLayer.PoolingType.AVG);
      case "adaptive_avg_pool2d" ->
          new GlobalPoolingLayer.Builder(PoolingType.AVG).collapseDimensions(false).build();
      case "leaky_relu" ->
          new ActivationLayer(new ActivationLReLU(a.number("negative_slope", 0.01)));
      default -> new ActivationLayer(ACTIVATIONS.get(node.op()));
    };
  }

  private static <B extends ConvolutionLayer.BaseConvBuilder<B>> B set(
      B builder, Attributes a, int dimensions) {
    builder.setKernelSize(each(a, "kernel_size", dimensions, 1));
    builder.setStride(each(a, "stride", dimensions, 1));
    builder.setPadding(each(a, "padding", dimensions, 0));
    builder.setDilation(each(a, "dilation", dimensions, 1));
    return builder
        .nIn((int) a.integer("in_channels"))
        .nOut((int) a.integer("out_channels"))
        .hasBias(a.flag("bias", true));
  }

  private static SubsamplingLayer pooling(Attributes a, SubsamplingLayer.PoolingType type) {
    int[] kernel = each(a, "kernel_size", 2, 1);
    return new SubsamplingLayer.Builder(type)
        .kernelSize(kernel)
        .stride(a.has("stride") ? each(a, "stride", 2, 1) : kernel)
        .padding(each(a, "padding", 2, 0))
        .dilation(each(a, "dilation", 2, 1))
        .avgPoolIncludePadInDivisor(a.flag("count_include_pad", true))
        .build();
  }

  private static int[] each(Attributes a, String name, int dimensions, long otherwise) {
    return Arrays.stream(a.perDimension(name, dimensions, otherwise))
        .mapToInt(Math::toIntExact)
        .toArray();
  }

  private void flatten(CaseNode node) {
    String in = node.inputs().get(0);
    if (rank(in) == 4) {
      graph.addVertex(node.name(), new PreprocessorVertex(new CnnToFeedForwardPreProcessor()), in);
      return;
    }
    CaseNode reader =
        reference.nodes().stream()
            .filter(n -> n.inputs().contains(node.name()))
            .findFirst()
            .orElseThrow();
    int length = (int) reader.attributes().integer("in_features");
    graph.addVertex(node.name(), new ReshapeVertex(-1, length), in);
  }

  /** How many axes a node's output has. */
  private int rank(String name) {
    return reference.inputs().containsKey(name)
        ? reference.inputs().get(name).rank()
        : rank(node(name));
  }

  private int rank(CaseNode node) {
    return switch (node.op()) {
      case "flatten" -> 2;
      case "embedding" -> 3;
      default -> rank(node.inputs().get(0));
    };
  }

  private CaseNode node(String name) {
    List<CaseNode> nodes = reference.nodes();
    return nodes.stream().filter(n -> n.name().equals(name)).findFirst().orElseThrow();
  }

  /** The last node: a linear one, with the loss. */
  void output(CaseNode node, OutputLayer.Builder builder) {
    Attributes a = node.attributes();
    graph.addLayer(
        node.name(),
        builder
            .nIn((int) a.integer("in_features"))
            .nOut((int) a.integer("out_features"))
            .hasBias(a.flag("bias", true))
            .build(),
        node.inputs().get(0));
  }
}
