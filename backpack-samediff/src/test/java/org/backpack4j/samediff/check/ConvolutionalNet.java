package org.backpack4j.samediff.check;

import java.util.Map;
import java.util.SplittableRandom;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Pooling2DConfig;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Convolution (3×3), relu, max pooling (2×2) and a dense layer on 6×6 images of two channels, as a
 * SameDiff graph and in plain loops. The parameters' entries are in the order K [3, 3, 2, 3], c
 * [3], W [12, 3].
 */
final class ConvolutionalNet {
  static final int SAMPLES = 3;
  private static final int SIZE = 6;
  private static final int IN = 2;
  private static final int OUT = 3;
  private static final int KERNEL = 3;
  private static final int POOLED = 2;
  private static final int CLASSES = 3;
  private static final int FEATURES = OUT * POOLED * POOLED;

  final SameDiff graph = SameDiff.create();
  final SDVariable logits;
  final SDVariable labels;

  private final double[] x = new double[SAMPLES * IN * SIZE * SIZE];
  private final double[] kernel = new double[KERNEL * KERNEL * IN * OUT];
  private final double[] bias = new double[OUT];
  private final double[] dense = new double[FEATURES * CLASSES];

  ConvolutionalNet(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    for (double[] array : new double[][] {x, kernel, bias, dense}) {
      for (int k = 0; k < array.length; k++) {
        array[k] = 2 * random.nextDouble() - 1;
      }
    }
    SDVariable input = graph.placeHolder("x", DataType.DOUBLE, -1, IN, SIZE, SIZE);
    labels = graph.placeHolder("y", DataType.DOUBLE, -1, CLASSES);
    SDVariable k = graph.var("K", Arrays64.toArray(kernel, KERNEL, KERNEL, IN, OUT));
    SDVariable c = graph.var("c", Arrays64.toArray(bias, OUT));
    SDVariable w = graph.var("W", Arrays64.toArray(dense, FEATURES, CLASSES));
    SDVariable convolved =
        graph
            .cnn()
            .conv2d(input, k, c, Conv2DConfig.builder().kH(KERNEL).kW(KERNEL).sH(1).sW(1).build());
    Pooling2DConfig pooling = Pooling2DConfig.builder().kH(2).kW(2).sH(2).sW(2).build();
    SDVariable pooled = graph.cnn().maxPooling2d(graph.nn().relu(convolved, 0), pooling);
    logits = pooled.reshape(-1, FEATURES).mmul("logits", w);
  }

  Map<String, INDArray> feeds() {
    return Map.of("x", Arrays64.toArray(x, SAMPLES, IN, SIZE, SIZE), "y", Nd4j.create(classes()));
  }

  double[][] classes() {
    double[][] y = new double[SAMPLES][CLASSES];
    for (int n = 0; n < SAMPLES; n++) {
      y[n][(n + 1) % CLASSES] = 1;
    }
    return y;
  }

  private double pixel(int n, int i, int row, int column) {
    return x[((n * IN + i) * SIZE + row) * SIZE + column];
  }

  private double convolution(int n, int o, int row, int column) {
    double sum = bias[o];
    for (int p = 0; p < KERNEL * KERNEL; p++) {
      for (int i = 0; i < IN; i++) {
        double weight = kernel[(p * IN + i) * OUT + o];
        sum += weight * pixel(n, i, row + p / KERNEL, column + p % KERNEL);
      }
    }
    return sum;
  }

  /** The place {row, column} of the largest convolution in the window of feature f. */
  private int[] largest(int n, int f) {
    int[] best = {-1, -1};
    double largest = Double.NEGATIVE_INFINITY;
    for (int p = 0; p < 4; p++) {
      int row = 2 * (f % 4 / POOLED) + p / 2;
      int column = 2 * (f % POOLED) + p % 2;
      double value = convolution(n, f / 4, row, column);
      if (value > largest) {
        largest = value;
        best = new int[] {row, column};
      }
    }
    return best;
  }

  private double feature(int n, int f) {
    int[] place = largest(n, f);
    return Math.max(0, convolution(n, f / 4, place[0], place[1]));
  }

  double[][] z() {
    double[][] z = new double[SAMPLES][CLASSES];
    for (int n = 0; n < SAMPLES; n++) {
      for (int f = 0; f < FEATURES; f++) {
        for (int k = 0; k < CLASSES; k++) {
          z[n][k] += feature(n, f) * dense[f * CLASSES + k];
        }
      }
    }
    return z;
  }

  double[][][] jacobian() {
    int biasAt = kernel.length;
    int denseAt = biasAt + OUT;
    double[][][] jacobian = new double[SAMPLES][CLASSES][denseAt + dense.length];
    for (int n = 0; n < SAMPLES; n++) {
      for (int k = 0; k < CLASSES; k++) {
        double[] row = jacobian[n][k];
        for (int f = 0; f < FEATURES; f++) {
          row[denseAt + f * CLASSES + k] = feature(n, f);
          if (feature(n, f) > 0) {
            int o = f / 4;
            int[] place = largest(n, f);
            double weight = dense[f * CLASSES + k];
            row[biasAt + o] += weight;
            for (int p = 0; p < KERNEL * KERNEL; p++) {
              for (int i = 0; i < IN; i++) {
                row[(p * IN + i) * OUT + o] +=
                    weight * pixel(n, i, place[0] + p / KERNEL, place[1] + p % KERNEL);
              }
            }
          }
        }
      }
    }
    return jacobian;
  }
}
