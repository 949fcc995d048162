package org.backpack4j.examples.programs;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.deeplearning4j.earlystopping.EarlyStoppingConfiguration;
import org.deeplearning4j.earlystopping.saver.InMemoryModelSaver;
import org.deeplearning4j.earlystopping.scorecalc.DataSetLossCalculator;
import org.deeplearning4j.earlystopping.termination.MaxEpochsTerminationCondition;
import org.deeplearning4j.earlystopping.trainer.EarlyStoppingTrainer;
import org.deeplearning4j.nn.conf.BackpropType;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.deeplearning4j.nn.conf.graph.MergeVertex;
import org.deeplearning4j.nn.conf.graph.rnn.DuplicateToTimeSeriesVertex;
import org.deeplearning4j.nn.conf.graph.rnn.LastTimeStepVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.CenterLossOutputLayer;
import org.deeplearning4j.nn.conf.layers.Convolution1DLayer;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.conf.layers.objdetect.Yolo2OutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.transferlearning.FineTuneConfiguration;
import org.deeplearning4j.nn.transferlearning.TransferLearning;
import org.deeplearning4j.nn.weights.WeightInit;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.dataset.adapter.SingletonDataSetIterator;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/**
 * Networks of the kinds that Deeplearning4j's example programs train. Their shapes are the
 * programs', but where a note says that they are smaller here.
 */
final class Networks {
  private final Data data = new Data();

  private Networks() {}

  /** The networks by name. */
  static Map<String, Supplier<Workload>> table() {
    Networks make = new Networks();
    Map<String, Supplier<Workload>> table = new LinkedHashMap<>();
    table.put("LeNet, 32 digits", make::leNet);
    table.put("CIFAR convolutions with batch normalisation, 16 images", make::cifar);
    table.put("LeNet with center loss, 32 digits", make::centerLoss);
    table.put("Conv1D over series, 32", make::series);
    table.put("captcha with six heads, 8 images", make::captcha);
    table.put("AlphaGo Zero's tower, 20 blocks of 32 channels, 4 boards", make::tower);
    table.put("DenseNet, 120 layers of growth 4, 2 images", make::denseNet);
    table.put("encoder and decoder, 32 sums of digits", make::encoderDecoder);
    table.put("characters, two LSTMs of 64, truncated at 20 of 60, 16 texts", make::characters);
    table.put("IMDB, convolutions over words, 8 reviews", make::reviews);
    table.put("TinyYOLO's head, 2 images", make::yolo);
    table.put("transfer learning with frozen convolutions, 16 images", make::transferred);
    table.put("LeNet stopped early, an epoch of 32 digits", make::stoppedEarly);
    table.put("SameDiff MNIST, 32 digits", () -> new SameDiffWorkload(data()));
    return table;
  }

  private static Data data() {
    return new Data();
  }

  private static NeuralNetConfiguration.Builder configuration() {
    return new NeuralNetConfiguration.Builder()
        .seed(1)
        .weightInit(WeightInit.XAVIER)
        .activation(Activation.RELU)
        .updater(new Adam(1e-5));
  }

  private static ConvolutionLayer convolution(int kernel, int channels) {
    return new ConvolutionLayer.Builder(kernel, kernel).nOut(channels).build();
  }

  private static SubsamplingLayer pooling() {
    return new SubsamplingLayer.Builder(PoolingType.MAX).kernelSize(2, 2).stride(2, 2).build();
  }

  private static OutputLayer classifier(int classes) {
    return new OutputLayer.Builder(LossFunction.NEGATIVELOGLIKELIHOOD)
        .nOut(classes)
        .activation(Activation.SOFTMAX)
        .build();
  }

  private static MultiLayerNetwork made(MultiLayerConfiguration.Builder layers) {
    MultiLayerNetwork net = new MultiLayerNetwork(layers.build());
    net.init();
    return net;
  }

  private static ComputationGraph made(GraphBuilder builder) {
    ComputationGraph net = new ComputationGraph(builder.build());
    net.init();
    return net;
  }

  private NeuralNetConfiguration.ListBuilder leNetLayers() {
    return configuration()
        .l2(5e-4)
        .list()
        .layer(convolution(5, 20))
        .layer(pooling())
        .layer(convolution(5, 50))
        .layer(pooling())
        .layer(new DenseLayer.Builder().nOut(500).build())
        .setInputType(InputType.convolutionalFlat(28, 28, 1));
  }

  private Workload leNet() {
    return NetworkWorkload.of(
        made(leNetLayers().layer(classifier(10))),
        new DataSet(data.values(32, 784), data.classes(32, 10)));
  }

  private Workload centerLoss() {
    return NetworkWorkload.of(
        made(
            leNetLayers()
                .layer(
                    new CenterLossOutputLayer.Builder(LossFunction.MCXENT)
                        .nOut(10)
                        .alpha(0.1)
                        .lambda(3e-4)
                        .activation(Activation.SOFTMAX)
                        .build())),
        new DataSet(data.values(32, 784), data.classes(32, 10)));
  }

  private Workload cifar() {
    NeuralNetConfiguration.ListBuilder layers =
        configuration()
            .activation(Activation.LEAKYRELU)
            .convolutionMode(ConvolutionMode.Same)
            .list();
    for (int channels : new int[] {32, 64, 128}) {
      layers
          .layer(convolution(3, channels))
          .layer(new BatchNormalization())
          .layer(convolution(3, channels))
          .layer(new BatchNormalization())
          .layer(pooling());
    }
    return NetworkWorkload.of(
        made(layers.layer(classifier(10)).setInputType(InputType.convolutional(32, 32, 3))),
        new DataSet(data.values(16, 3, 32, 32), data.classes(16, 10)));
  }

  private Workload series() {
    return NetworkWorkload.of(
        made(
            configuration()
                .list()
                .layer(new Convolution1DLayer.Builder(3).nOut(32).build())
                .layer(new Convolution1DLayer.Builder(3).nOut(32).build())
                .layer(new GlobalPoolingLayer(PoolingType.AVG))
                .layer(new DenseLayer.Builder().nOut(64).build())
                .layer(classifier(6))
                .setInputType(InputType.recurrent(9, 60))),
        new DataSet(data.values(32, 9, 60), data.classes(32, 6)));
  }

  private Workload captcha() {
    GraphBuilder graph =
        configuration()
            .graphBuilder()
            .addInputs("image")
            .setInputTypes(InputType.convolutional(60, 160, 3))
            .addLayer("c1", convolution(5, 24), "image")
            .addLayer("p1", pooling(), "c1")
            .addLayer("c2", convolution(3, 48), "p1")
            .addLayer("p2", pooling(), "c2")
            .addLayer("c3", convolution(3, 64), "p2")
            .addLayer("p3", pooling(), "c3")
            .addLayer("rows", new DenseLayer.Builder().nOut(128).build(), "p3");
    List<String> heads = new ArrayList<>();
    List<INDArray> labels = new ArrayList<>();
    for (int k = 0; k < 6; k++) {
      heads.add("letter" + k);
      graph.addLayer("letter" + k, classifier(36), "rows");
      labels.add(data.classes(8, 36));
    }
    graph.setOutputs(heads.toArray(new String[0]));
    return NetworkWorkload.of(
        made(graph),
        new MultiDataSet(
            new INDArray[] {data.values(8, 3, 60, 160)}, labels.toArray(new INDArray[0])));
  }

  private Workload tower() {
    int channels = 32;
    GraphBuilder graph =
        configuration()
            .convolutionMode(ConvolutionMode.Same)
            .graphBuilder()
            .addInputs("board")
            .setInputTypes(InputType.convolutional(19, 19, 11));
    String top = normalised(graph, "stem", 3, channels, "board");
    for (int k = 0; k < 20; k++) {
      String name = "block" + k;
      String first = normalised(graph, name + "_1", 3, channels, top);
      graph.addLayer(name + "_c", plain(3, channels), first);
      graph.addLayer(name + "_n", new BatchNormalization(), name + "_c");
      graph.addVertex(
          name + "_sum", new ElementWiseVertex(ElementWiseVertex.Op.Add), top, name + "_n");
      graph.addLayer(name, new ActivationLayer(Activation.RELU), name + "_sum");
      top = name;
    }
    graph.addLayer("policy", classifier(362), normalised(graph, "policy_c", 1, 2, top));
    graph.addLayer(
        "value_d",
        new DenseLayer.Builder().nOut(64).build(),
        normalised(graph, "value_c", 1, 1, top));
    graph.addLayer(
        "value",
        new OutputLayer.Builder(LossFunction.MSE).nOut(1).activation(Activation.TANH).build(),
        "value_d");
    graph.setOutputs("policy", "value");
    return NetworkWorkload.of(
        made(graph),
        new MultiDataSet(
            new INDArray[] {data.values(4, 11, 19, 19)},
            new INDArray[] {data.classes(4, 362), data.values(4, 1)}));
  }

  /** Convolution, batch normalisation, ReLU. */
  private static String normalised(
      GraphBuilder graph, String name, int kernel, int channels, String input) {
    graph.addLayer(name + "_conv", plain(kernel, channels), input);
    graph.addLayer(name + "_norm", new BatchNormalization(), name + "_conv");
    graph.addLayer(name, new ActivationLayer(Activation.RELU), name + "_norm");
    return name;
  }

  private static ConvolutionLayer plain(int kernel, int channels) {
    return new ConvolutionLayer.Builder(kernel, kernel)
        .nOut(channels)
        .activation(Activation.IDENTITY)
        .build();
  }

  private Workload denseNet() {
    int growth = 4;
    GraphBuilder graph =
        configuration()
            .convolutionMode(ConvolutionMode.Same)
            .graphBuilder()
            .addInputs("image")
            .setInputTypes(InputType.convolutional(16, 16, 3))
            .addLayer("stem", plain(3, 8), "image");
    String top = "stem";
    int[] blocks = {20, 30, 40, 30};
    for (int b = 0; b < blocks.length; b++) {
      for (int k = 0; k < blocks[b]; k++) {
        String name = "d" + b + "_" + k;
        String narrow = preactivated(graph, name + "_1", 1, 4 * growth, top);
        String added = preactivated(graph, name + "_2", 3, growth, narrow);
        graph.addVertex(name, new MergeVertex(), top, added);
        top = name;
      }
      if (b + 1 < blocks.length) {
        String narrow = preactivated(graph, "t" + b, 1, 16, top);
        graph.addLayer("t" + b + "_pool", average(), narrow);
        top = "t" + b + "_pool";
      }
    }
    graph.addLayer("pool", new GlobalPoolingLayer(PoolingType.AVG), top);
    graph.addLayer("out", classifier(10), "pool").setOutputs("out");
    return NetworkWorkload.of(
        made(graph),
        new MultiDataSet(
            new INDArray[] {data.values(2, 3, 16, 16)}, new INDArray[] {data.classes(2, 10)}));
  }

  private static SubsamplingLayer average() {
    return new SubsamplingLayer.Builder(PoolingType.AVG).kernelSize(2, 2).stride(2, 2).build();
  }

  /** Batch normalisation, ReLU, convolution. */
  private static String preactivated(
      GraphBuilder graph, String name, int kernel, int channels, String input) {
    graph.addLayer(name + "_norm", new BatchNormalization(), input);
    graph.addLayer(name + "_relu", new ActivationLayer(Activation.RELU), name + "_norm");
    graph.addLayer(name, plain(kernel, channels), name + "_relu");
    return name;
  }

  private Workload encoderDecoder() {
    int letters = 14;
    GraphBuilder graph =
        configuration()
            .graphBuilder()
            .addInputs("question", "started")
            .setInputTypes(InputType.recurrent(letters), InputType.recurrent(letters))
            .addLayer(
                "encoder",
                new LSTM.Builder().nOut(128).activation(Activation.TANH).build(),
                "question")
            .addVertex("thought", new LastTimeStepVertex("question"), "encoder")
            .addVertex("repeated", new DuplicateToTimeSeriesVertex("started"), "thought")
            .addLayer(
                "decoder",
                new LSTM.Builder().nOut(128).activation(Activation.TANH).build(),
                "started",
                "repeated")
            .addLayer("answer", letters(letters), "decoder")
            .setOutputs("answer");
    return NetworkWorkload.of(
        made(graph),
        new MultiDataSet(
            new INDArray[] {data.series(32, letters, 7), data.series(32, letters, 5)},
            new INDArray[] {data.series(32, letters, 5)}));
  }

  private static RnnOutputLayer letters(int letters) {
    return new RnnOutputLayer.Builder(LossFunction.MCXENT)
        .nOut(letters)
        .activation(Activation.SOFTMAX)
        .build();
  }

  private Workload characters() {
    int letters = 77;
    return NetworkWorkload.of(
        made(
            configuration()
                .l2(1e-4)
                .list()
                .layer(new LSTM.Builder().nOut(64).activation(Activation.TANH).build())
                .layer(new LSTM.Builder().nOut(64).activation(Activation.TANH).build())
                .layer(letters(letters))
                .setInputType(InputType.recurrent(letters))
                .backpropType(BackpropType.TruncatedBPTT)
                .tBPTTLength(20)),
        new DataSet(data.series(16, letters, 60), data.series(16, letters, 60)));
  }

  private Workload reviews() {
    int vector = 100;
    int words = 64;
    GraphBuilder graph =
        configuration()
            .convolutionMode(ConvolutionMode.Same)
            .graphBuilder()
            .addInputs("words")
            .setInputTypes(InputType.convolutional(words, vector, 1));
    for (int width = 3; width <= 5; width++) {
      graph.addLayer(
          "c" + width,
          new ConvolutionLayer.Builder(width, vector).stride(1, vector).nOut(50).build(),
          "words");
    }
    graph
        .addVertex("merged", new MergeVertex(), "c3", "c4", "c5")
        .addLayer(
            "pool", new GlobalPoolingLayer.Builder(PoolingType.MAX).dropOut(0.5).build(), "merged")
        .addLayer("out", classifier(2), "pool")
        .setOutputs("out");
    return NetworkWorkload.of(
        made(graph),
        new MultiDataSet(
            new INDArray[] {data.values(8, 1, words, vector)},
            new INDArray[] {data.classes(8, 2)}));
  }

  private Workload yolo() {
    int boxes = 5;
    int classes = 10;
    int size = 13;
    INDArray priors =
        Nd4j.createFromArray(new float[][] {{2, 2}, {2.5f, 5}, {5, 2.5f}, {4, 4}, {8, 8}});
    NeuralNetConfiguration.ListBuilder layers =
        configuration()
            .activation(Activation.LEAKYRELU)
            .convolutionMode(ConvolutionMode.Same)
            .list();
    for (int channels : new int[] {16, 32, 64}) {
      layers.layer(plain(3, channels)).layer(new BatchNormalization()).layer(pooling());
    }
    layers
        .layer(plain(1, boxes * (5 + classes)))
        .layer(new Yolo2OutputLayer.Builder().boundingBoxPriors(priors).build())
        .setInputType(InputType.convolutional(8L * size, 8L * size, 3));
    return NetworkWorkload.of(
        made(layers),
        new DataSet(data.values(2, 3, 8L * size, 8L * size), data.boxes(2, classes, size)));
  }

  private Workload transferred() {
    MultiLayerNetwork source = made(leNetLayers().layer(classifier(10)));
    MultiLayerNetwork net =
        new TransferLearning.Builder(source)
            .fineTuneConfiguration(
                new FineTuneConfiguration.Builder().updater(new Adam(1e-5)).build())
            .setFeatureExtractor(3)
            .nOutReplace(5, 5, WeightInit.XAVIER)
            .build();
    return NetworkWorkload.of(net, new DataSet(data.values(16, 784), data.classes(16, 5)));
  }

  /** A step is an epoch of one batch, with its score and a copy of the best network. */
  private Workload stoppedEarly() {
    MultiLayerNetwork net = made(leNetLayers().layer(classifier(10)));
    DataSet batch = new DataSet(data.values(32, 784), data.classes(32, 10));
    return new NetworkWorkload(
        net,
        () ->
            new EarlyStoppingTrainer(
                    new EarlyStoppingConfiguration.Builder<MultiLayerNetwork>()
                        .epochTerminationConditions(new MaxEpochsTerminationCondition(1))
                        .scoreCalculator(
                            new DataSetLossCalculator(new SingletonDataSetIterator(batch), true))
                        .modelSaver(new InMemoryModelSaver<>())
                        .build(),
                    net,
                    new SingletonDataSetIterator(batch))
                .fit());
  }
}
