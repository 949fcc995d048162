package org.backpack4j.examples;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.File;
import java.io.IOException;
import java.util.Arrays;
import java.util.Locale;
import javax.imageio.ImageIO;
import org.backpack4j.dl4j.laplace.Laplace;
import org.backpack4j.dl4j.train.PlannedTraining;
import org.backpack4j.examples.data.DrawnDigits;
import org.backpack4j.examples.data.FashionMnist;
import org.backpack4j.examples.data.LabelledImages;
import org.backpack4j.examples.data.Mnist;
import org.deeplearning4j.datasets.iterator.utilty.ListDataSetIterator;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.learning.config.Adam;

/**
 * How sure a small network is of images of clothes, before and after a Laplace approximation:
 * expected calibration error, negative log-likelihood, and how well the largest probability tells
 * clothes from digits, which it has never seen. Draws a reliability diagram.
 *
 * <p>Where Debian's package {@code dataset-fashion-mnist} is installed, images are those of its
 * training and test sets; else the 256 that come with the examples. Digits are MNIST's where DL4J
 * can download them, else drawn in Java's fonts.
 */
public final class CalibratedPredictions {
  private static final int BINS = 10;

  private CalibratedPredictions() {}

  /**
   * Runs it.
   *
   * @param args the number of training images, 2000 by default; the number of epochs, 30 by
   *     default; the diagram's file, {@code reliability.png} by default
   * @throws IOException if the diagram cannot be written
   */
  public static void main(String[] args) throws IOException {
    boolean whole = FashionMnist.isInstalled();
    int count = args.length > 0 ? Integer.parseInt(args[0]) : whole ? 2000 : 160;
    int epochs = args.length > 1 ? Integer.parseInt(args[1]) : 30;
    File file = new File(args.length > 2 ? args[2] : "reliability.png");
    LabelledImages train = whole ? FashionMnist.training(count) : FashionMnist.load(count);
    DataSet test;
    if (whole) {
      LabelledImages images = FashionMnist.test(2000);
      test = new DataSet(images.images(), images.labels());
    } else {
      LabelledImages all = FashionMnist.load(FashionMnist.COUNT);
      test = (DataSet) new DataSet(all.images(), all.labels()).getRange(160, FashionMnist.COUNT);
    }
    int others = test.numExamples();
    LabelledImages digits = Mnist.load(others).orElseGet(() -> DrawnDigits.draw(others, 3));
    DataSetIterator batches =
        new ListDataSetIterator<>(new DataSet(train.images(), train.labels()).asList(), 100);
    MultiLayerNetwork net = network();
    try (PlannedTraining planned = PlannedTraining.of(net)) {
      planned.fit(batches, epochs);
    }
    INDArray before = net.output(test.getFeatures());
    tell("network alone", before, test.getLabels(), net.output(digits.images()));
    Curve first = Curve.of(before, test.getLabels());
    Laplace last = Laplace.of(net).lastLayer().fit(batches).tunePrior();
    last.notes().forEach(System.out::println);
    INDArray after = tell("last layer", last, test, digits);
    last.close();
    ImageIO.write(diagram(first, Curve.of(after, test.getLabels())), "png", file);
    System.out.println("reliability diagram: " + file.getAbsolutePath());
  }

  private static INDArray tell(String what, Laplace laplace, DataSet test, LabelledImages digits) {
    INDArray own = laplace.predict(test.getFeatures()).probabilities();
    tell(what, own, test.getLabels(), laplace.predict(digits.images()).probabilities());
    System.out.printf(
        Locale.ROOT,
        "  prior precision %.3g, log marginal likelihood %.1f%n",
        laplace.priorPrecisions().values().iterator().next(),
        laplace.logMarginalLikelihood());
    return own;
  }

  private static void tell(String what, INDArray own, INDArray labels, INDArray digits) {
    double loss = 0;
    for (int n = 0; n < own.rows(); n++) {
      loss -= Math.log(own.getDouble(n, labels.getRow(n).argMax().getInt(0))) / own.rows();
    }
    Curve curve = Curve.of(own, labels);
    System.out.printf(
        Locale.ROOT,
        "%-14s accuracy %.3f, loss %.3f, calibration error %.3f, digits told apart %.3f%n",
        what,
        curve.accuracy(),
        loss,
        curve.error(),
        auroc(own.max(1), digits.max(1)));
  }

  /** How often a probability of the first kind is larger than one of the second. */
  private static double auroc(INDArray larger, INDArray smaller) {
    double[] b = smaller.toDoubleVector();
    Arrays.sort(b);
    double sum = 0;
    for (double a : larger.toDoubleVector()) {
      int at = Arrays.binarySearch(b, a);
      sum += at < 0 ? -at - 1 : at + 0.5;
    }
    return sum / larger.length() / b.length;
  }

  /**
   * Accuracy by confidence.
   *
   * @param counts the number of predictions in each bin
   * @param confidences the mean of the largest probability
   * @param accuracies how often it was right
   */
  record Curve(int[] counts, double[] confidences, double[] accuracies) {
    static Curve of(INDArray probabilities, INDArray labels) {
      int[] counts = new int[BINS];
      double[] confidences = new double[BINS];
      double[] accuracies = new double[BINS];
      INDArray said = probabilities.argMax(1);
      INDArray right = labels.argMax(1);
      for (int n = 0; n < probabilities.rows(); n++) {
        double p = probabilities.getDouble(n, said.getInt(n));
        int bin = Math.min(BINS - 1, (int) (p * BINS));
        counts[bin]++;
        confidences[bin] += p;
        accuracies[bin] += said.getInt(n) == right.getInt(n) ? 1 : 0;
      }
      for (int k = 0; k < BINS; k++) {
        confidences[k] /= Math.max(1, counts[k]);
        accuracies[k] /= Math.max(1, counts[k]);
      }
      return new Curve(counts, confidences, accuracies);
    }

    /** Σ share |accuracy − confidence|. */
    double error() {
      double sum = 0;
      for (int k = 0; k < BINS; k++) {
        sum += counts[k] * Math.abs(accuracies[k] - confidences[k]);
      }
      return sum / Arrays.stream(counts).sum();
    }

    double accuracy() {
      double sum = 0;
      for (int k = 0; k < BINS; k++) {
        sum += counts[k] * accuracies[k];
      }
      return sum / Arrays.stream(counts).sum();
    }
  }

  private static BufferedImage diagram(Curve before, Curve after) {
    int side = 320;
    int edge = 45;
    BufferedImage image =
        new BufferedImage(side + 2 * edge, side + 2 * edge, BufferedImage.TYPE_INT_RGB);
    Graphics2D pen = image.createGraphics();
    pen.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
    pen.setColor(Color.WHITE);
    pen.fillRect(0, 0, image.getWidth(), image.getHeight());
    pen.setColor(Color.GRAY);
    pen.drawRect(edge, edge, side, side);
    pen.drawLine(edge, edge + side, edge + side, edge);
    pen.setColor(Color.BLACK);
    for (int k = 0; k <= 5; k++) {
      String tick = String.format(Locale.ROOT, "%.1f", k / 5.0);
      pen.drawString(tick, edge + k * side / 5 - 8, edge + side + 16);
      pen.drawString(tick, edge - 26, edge + side - k * side / 5 + 5);
    }
    pen.drawString("confidence", edge + side / 2 - 30, edge + side + 34);
    pen.drawString("accuracy", 8, edge - 12);
    line(pen, before, new Color(0xd95f02), edge, side);
    pen.drawString("network alone", edge + 12, edge + 20);
    line(pen, after, new Color(0x1b6ca8), edge, side);
    pen.drawString("Laplace, last layer", edge + 12, edge + 38);
    pen.dispose();
    return image;
  }

  private static void line(Graphics2D pen, Curve curve, Color color, int edge, int side) {
    pen.setColor(color);
    pen.setStroke(new BasicStroke(2));
    int x = -1;
    int y = -1;
    for (int k = 0; k < BINS; k++) {
      if (curve.counts()[k] > 0) {
        int nextX = edge + (int) Math.round(curve.confidences()[k] * side);
        int nextY = edge + side - (int) Math.round(curve.accuracies()[k] * side);
        pen.fillOval(nextX - 4, nextY - 4, 8, 8);
        if (x >= 0) {
          pen.drawLine(x, y, nextX, nextY);
        }
        x = nextX;
        y = nextY;
      }
    }
    pen.setStroke(new BasicStroke(1));
  }

  private static MultiLayerNetwork network() {
    MultiLayerNetwork net =
        new MultiLayerNetwork(
            new NeuralNetConfiguration.Builder()
                .seed(7)
                .updater(new Adam(2e-3))
                .activation(Activation.RELU)
                .list()
                .layer(new ConvolutionLayer.Builder(5, 5).stride(2, 2).nOut(8).build())
                .layer(new ConvolutionLayer.Builder(3, 3).stride(2, 2).nOut(16).build())
                .layer(new DenseLayer.Builder().nOut(48).build())
                .layer(
                    new OutputLayer.Builder()
                        .nOut(LabelledImages.CLASSES)
                        .activation(Activation.SOFTMAX)
                        .build())
                .setInputType(InputType.convolutional(LabelledImages.SIZE, LabelledImages.SIZE, 1))
                .build());
    net.init();
    return net;
  }
}
