package org.backpack4j.examples;

import java.util.List;
import org.backpack4j.dl4j.BackPackListener;
import org.backpack4j.examples.data.FashionMnist;
import org.backpack4j.examples.data.LabelledImages;
import org.backpack4j.samediff.TrainingStep;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.Variance;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/**
 * Trains a small LeNet with a listener that tells, for each layer's weights, how far the gradient
 * stands out of its noise, and how curved the loss is.
 *
 * <p>The signal-to-noise ratio is ‖ḡ‖ / √(Σ s² / N), with ḡ the mean of the N samples' gradients
 * and s² their variances: below one, the batch says little about where to go. The curvature is the
 * mean entry of the GGN's diagonal, of the mean loss.
 */
public final class ListenerTraining {
  private static final int BATCH = 64;
  private static final List<String> WEIGHTS = List.of("0_W", "2_W", "4_W", "5_W");

  private ListenerTraining() {}

  /**
   * Runs the training.
   *
   * @param args the number of epochs over 256 images, 5 by default
   */
  public static void main(String[] args) {
    int epochs = args.length > 0 ? Integer.parseInt(args[0]) : 5;
    MultiLayerNetwork net = network();
    List<DataSet> batches = data().batchBy(BATCH);
    System.out.printf("%-10s %-8s%s%n", "iteration", "score", header());
    try (BackPackListener backPack = new BackPackListener(new Variance(), new DiagGGNExact())) {
      backPack.parameters(WEIGHTS.toArray(new String[0])).everyNIterations(4);
      backPack.onStep(
          step -> System.out.printf("%-10d %-8.3f%s%n", step.iteration(), net.score(), line(step)));
      net.addListeners(backPack.check(net, batches.get(0)));
      for (int epoch = 0; epoch < epochs; epoch++) {
        batches.forEach(net::fit);
      }
      backPack.latest(); // throws, if something went wrong
    }
  }

  private static String header() {
    StringBuilder text = new StringBuilder();
    WEIGHTS.forEach(w -> text.append(String.format("  %-6s %-9s", w, "curvature")));
    return text.toString();
  }

  private static String line(TrainingStep step) {
    StringBuilder text = new StringBuilder();
    for (String weight : WEIGHTS) {
      INDArray mean = step.quantities().gradient(weight).div(BATCH);
      INDArray variance = step.quantities().get(weight, Variance.class);
      INDArray diagonal = step.quantities().get(weight, DiagGGNExact.class);
      double noise = Math.sqrt(variance.sumNumber().doubleValue() / BATCH);
      double signal = mean.norm2Number().doubleValue();
      double curvature = diagonal.meanNumber().doubleValue() / BATCH;
      text.append(String.format("  %-6.2f %-9.2e", signal / noise, curvature));
    }
    return text.toString();
  }

  private static DataSet data() {
    LabelledImages images = FashionMnist.load(FashionMnist.COUNT);
    return new DataSet(images.images(), images.labels());
  }

  private static MultiLayerNetwork network() {
    MultiLayerNetwork net =
        new MultiLayerNetwork(
            new NeuralNetConfiguration.Builder()
                .seed(7)
                .updater(new Adam(3e-3))
                .activation(Activation.RELU)
                .list()
                .layer(new ConvolutionLayer.Builder(5, 5).nOut(8).build())
                .layer(pooling())
                .layer(new ConvolutionLayer.Builder(5, 5).nOut(16).build())
                .layer(pooling())
                .layer(new DenseLayer.Builder().nOut(64).build())
                .layer(
                    new OutputLayer.Builder(LossFunction.MCXENT)
                        .nOut(LabelledImages.CLASSES)
                        .activation(Activation.SOFTMAX)
                        .build())
                .setInputType(InputType.convolutional(LabelledImages.SIZE, LabelledImages.SIZE, 1))
                .build());
    net.init();
    return net;
  }

  private static SubsamplingLayer pooling() {
    return new SubsamplingLayer.Builder(SubsamplingLayer.PoolingType.MAX)
        .kernelSize(2, 2)
        .stride(2, 2)
        .build();
  }
}
