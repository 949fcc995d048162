package org.backpack4j.dl4j.testing;

import java.util.Arrays;
import java.util.Random;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Sgd;

/** Small networks in double precision, and data for them. */
public final class Nets {
  private Nets() {}

  /** What all of them begin with. */
  public static NeuralNetConfiguration.Builder builder() {
    return new NeuralNetConfiguration.Builder()
        .seed(7)
        .dataType(DataType.DOUBLE)
        .updater(new Sgd(0.1))
        .activation(Activation.TANH)
        .biasInit(0.1);
  }

  /** Layers one after the other. */
  public static MultiLayerNetwork sequential(InputType input, Layer... layers) {
    return sequential(builder(), input, layers);
  }

  /** Layers one after the other, with other choices. */
  public static MultiLayerNetwork sequential(
      NeuralNetConfiguration.Builder builder, InputType input, Layer... layers) {
    NeuralNetConfiguration.ListBuilder list = builder.list();
    for (Layer layer : layers) {
      list.layer(layer);
    }
    MultiLayerNetwork net =
        new MultiLayerNetwork(list.validateOutputLayerConfig(false).setInputType(input).build());
    net.init();
    return net;
  }

  /** A graph with one input "in", to be filled and given to {@link #graph(GraphBuilder)}. */
  public static GraphBuilder graph(InputType input) {
    return builder()
        .graphBuilder()
        .addInputs("in")
        .validateOutputLayerConfig(false)
        .setInputTypes(input);
  }

  /** The network of a graph. */
  public static ComputationGraph graph(GraphBuilder builder) {
    ComputationGraph net = new ComputationGraph(builder.build());
    net.init();
    return net;
  }

  /** M2.1 makes some arrays of the default type, and fails where it isn't the network's. */
  public static void inDoublePrecision(Runnable test) {
    DataType before = Nd4j.defaultFloatingPointType();
    Nd4j.setDefaultDataTypes(DataType.DOUBLE, DataType.DOUBLE);
    try {
      test.run();
    } finally {
      Nd4j.setDefaultDataTypes(before, before);
    }
  }

  /** Keeps a copy of a parameter's gradient in each iteration. */
  public static TrainingListener gradients(String parameter, INDArray[] kept) {
    return new BaseTrainingListener() {
      @Override
      public void onGradientCalculation(Model model) {
        kept[0] = model.gradient().gradientForVariable().get(parameter).dup('c');
      }
    };
  }

  /** Numbers between −1 and 1, the same for the same shape. */
  public static INDArray random(long... shape) {
    Random random = new Random(Arrays.hashCode(shape));
    INDArray array = Nd4j.create(DataType.DOUBLE, shape);
    for (long k = 0; k < array.length(); k++) {
      array.putScalar(k, 2 * random.nextDouble() - 1);
    }
    return array;
  }

  /** One-hot rows: sample n has class n mod C. */
  public static INDArray classes(int samples, int classes) {
    INDArray labels = Nd4j.zeros(DataType.DOUBLE, samples, classes);
    for (int n = 0; n < samples; n++) {
      labels.putScalar(n, n % classes, 1);
    }
    return labels;
  }
}
