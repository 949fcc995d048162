package org.backpack4j.examples;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.backpack4j.dl4j.report.Advice;
import org.backpack4j.dl4j.report.TrainingReport;
import org.backpack4j.examples.data.FashionMnist;
import org.backpack4j.examples.data.LabelledImages;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/**
 * Trains a LeNet on images of clothes with a training report, and says what steps with a report on
 * every tenth iteration cost over steps without one, interleaved.
 */
public final class ReportedTraining {
  private static final int BATCH = 32;

  private ReportedTraining() {}

  /**
   * Runs the training.
   *
   * @param args the report's file, {@code report.html} by default; the number of epochs over 256
   *     images, 20 by default
   */
  public static void main(String[] args) {
    Path page = Path.of(args.length > 0 ? args[0] : "report.html");
    int epochs = args.length > 1 ? Integer.parseInt(args[1]) : 20;
    List<DataSet> batches = data().batchBy(BATCH);
    MultiLayerNetwork net = network();
    MultiLayerNetwork plain = network();
    try (TrainingReport report =
        TrainingReport.business().every(10).titled("LeNet, 256 images").writeTo(page)) {
      net.addListeners(report);
      double[] with = new double[epochs];
      double[] without = new double[epochs];
      for (int epoch = 0; epoch < epochs; epoch++) {
        with[epoch] = seconds(() -> batches.forEach(net::fit));
        without[epoch] = seconds(() -> batches.forEach(plain::fit));
      }
      report.advice().forEach(ReportedTraining::print);
      // the first epochs convert the network and warm Java up
      System.out.printf(
          "%s has %d iterations; an epoch with it takes %.2f times that without%n",
          page.toAbsolutePath(),
          report.observed(),
          median(with, epochs / 2) / median(without, epochs / 2));
    }
  }

  private static void print(Advice advice) {
    System.out.println(advice);
  }

  private static double seconds(Runnable epoch) {
    long start = System.nanoTime();
    epoch.run();
    return (System.nanoTime() - start) / 1e9;
  }

  private static double median(double[] times, int from) {
    double[] later = Arrays.copyOfRange(times, from, times.length);
    Arrays.sort(later);
    return later[later.length / 2];
  }

  private static DataSet data() {
    LabelledImages images = FashionMnist.load(FashionMnist.COUNT);
    return new DataSet(images.images(), images.labels());
  }

  private static MultiLayerNetwork network() {
    MultiLayerNetwork net =
        new MultiLayerNetwork(
            new NeuralNetConfiguration.Builder()
                .seed(1)
                .updater(new Adam(1e-3))
                .list()
                .layer(convolution(20))
                .layer(pooling())
                .layer(convolution(50))
                .layer(pooling())
                .layer(new DenseLayer.Builder().nOut(500).activation(Activation.RELU).build())
                .layer(
                    new OutputLayer.Builder(LossFunction.MCXENT)
                        .nOut(10)
                        .activation(Activation.SOFTMAX)
                        .build())
                .setInputType(InputType.convolutional(28, 28, 1))
                .build());
    net.init();
    return net;
  }

  private static ConvolutionLayer convolution(int maps) {
    return new ConvolutionLayer.Builder(5, 5).nOut(maps).activation(Activation.IDENTITY).build();
  }

  private static SubsamplingLayer pooling() {
    return new SubsamplingLayer.Builder(SubsamplingLayer.PoolingType.MAX)
        .kernelSize(2, 2)
        .stride(2, 2)
        .build();
  }
}
