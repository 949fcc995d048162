package org.backpack4j.examples.benchmark;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.backpack4j.dl4j.BackPackListener;
import org.backpack4j.dl4j.blocks.ResNet;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.BatchL2Grad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.DiagGGNMC;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.extension.Variance;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/**
 * What a listener costs: the time of a training step with it over that of a plain one. Steps with
 * and without alternate.
 */
public final class ListenerCost {
  private ListenerCost() {}

  /**
   * Measures.
   *
   * @param args {@code lenet} or {@code resnet18}, the number of steps, and a quantity; all of them
   *     if none is named
   */
  public static void main(String[] args) {
    boolean residual = args.length > 0 && args[0].equals("resnet18");
    int steps = args.length > 1 ? Integer.parseInt(args[1]) : residual ? 5 : 30;
    DataSet batch = residual ? data(8, 3, 32) : data(32, 1, 28);
    ComputationGraph net = residual ? resNet() : leNet();
    for (Map.Entry<String, Extension[]> quantity : quantities().entrySet()) {
      if (args.length > 2 && !args[2].equals(quantity.getKey())) {
        continue;
      }
      try (BackPackListener listener =
          new BackPackListener(quantity.getValue()).runningStatistics()) {
        double[] plain = new double[steps];
        double[] watched = new double[steps];
        for (int k = -2; k < steps; k++) {
          net.setListeners();
          double without = seconds(net, batch);
          net.setListeners(listener);
          double with = seconds(net, batch);
          if (k >= 0) {
            plain[k] = without;
            watched[k] = with;
          }
        }
        listener.latest(); // throws, if something went wrong
        System.out.printf(
            "%-9s %-16s plain %8.1f ms, with the listener %8.1f ms, ratio %5.2f%n",
            residual ? "resnet18" : "lenet",
            quantity.getKey(),
            1e3 * median(plain),
            1e3 * median(watched),
            median(watched) / median(plain));
      }
    }
  }

  private static Map<String, Extension[]> quantities() {
    Map<String, Extension[]> quantities = new LinkedHashMap<>();
    quantities.put("gradient", new Extension[0]);
    quantities.put("batch_grad", new Extension[] {new BatchGrad()});
    quantities.put("batch_l2", new Extension[] {new BatchL2Grad()});
    quantities.put("variance", new Extension[] {new Variance()});
    quantities.put("diag_ggn_mc", new Extension[] {new DiagGGNMC()});
    quantities.put("diag_ggn_exact", new Extension[] {new DiagGGNExact()});
    return quantities;
  }

  private static double seconds(ComputationGraph net, DataSet batch) {
    long start = System.nanoTime();
    net.fit(batch);
    return (System.nanoTime() - start) / 1e9;
  }

  private static double median(double[] times) {
    Arrays.sort(times);
    return times[times.length / 2];
  }

  private static DataSet data(int samples, int channels, int size) {
    INDArray labels = Nd4j.zeros(samples, 10);
    for (int n = 0; n < samples; n++) {
      labels.putScalar(n, n % 10, 1);
    }
    return new DataSet(Nd4j.rand(samples, channels, size, size), labels);
  }

  private static ComputationGraph resNet() {
    return ResNet.builder()
        .stem(ResNet.Stem.CIFAR)
        .inputShape(3, 32, 32)
        .numClasses(10)
        .updater(new Adam(1e-7))
        .build()
        .init();
  }

  /** DL4J's zoo has it like this: two convolutions and poolings, a dense layer. */
  private static ComputationGraph leNet() {
    MultiLayerNetwork net =
        new MultiLayerNetwork(
            new NeuralNetConfiguration.Builder()
                .updater(new Adam(1e-7))
                .activation(Activation.RELU)
                .list()
                .layer(new ConvolutionLayer.Builder(5, 5).nOut(20).build())
                .layer(pooling())
                .layer(new ConvolutionLayer.Builder(5, 5).nOut(50).build())
                .layer(pooling())
                .layer(new DenseLayer.Builder().nOut(500).build())
                .layer(
                    new OutputLayer.Builder(LossFunction.MCXENT)
                        .nOut(10)
                        .activation(Activation.SOFTMAX)
                        .build())
                .setInputType(InputType.convolutional(28, 28, 1))
                .build());
    net.init();
    return net.toComputationGraph();
  }

  private static SubsamplingLayer pooling() {
    return new SubsamplingLayer.Builder(SubsamplingLayer.PoolingType.MAX)
        .kernelSize(2, 2)
        .stride(2, 2)
        .build();
  }
}
