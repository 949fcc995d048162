package org.backpack4j.samediff.check;

import java.util.Map;
import java.util.SplittableRandom;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * z = tanh(x W₁ + b₁) W₂ + b₂, as a SameDiff graph and in plain loops, with random parameters. The
 * parameters' entries are in the order W1, b1, W2, b2.
 */
final class Mlp {
  static final int SAMPLES = 5;
  static final int INPUTS = 3;
  static final int HIDDEN = 4;
  static final int OUTPUTS = 3;

  final SameDiff graph = SameDiff.create();
  final SDVariable logits;
  final SDVariable labels;

  private final SplittableRandom random;
  private final double[][] x;
  private final double[][] w1;
  private final double[][] b1;
  private final double[][] w2;
  private final double[][] b2;

  Mlp(DataType type, long seed) {
    random = new SplittableRandom(seed);
    x = random(SAMPLES, INPUTS, type);
    w1 = random(INPUTS, HIDDEN, type);
    b1 = random(1, HIDDEN, type);
    w2 = random(HIDDEN, OUTPUTS, type);
    b2 = random(1, OUTPUTS, type);
    SDVariable input = graph.placeHolder("x", type, -1, INPUTS);
    labels = graph.placeHolder("y", type, -1, OUTPUTS);
    SDVariable first = input.mmul(parameter("W1", w1, type)).add(parameter("b1", b1, type));
    SDVariable second = graph.math().tanh(first).mmul(parameter("W2", w2, type));
    logits = second.add("logits", parameter("b2", b2, type));
  }

  /** Numbers that are the same in single precision if that is asked for. */
  private double[][] random(int rows, int columns, DataType type) {
    double[][] values = new double[rows][columns];
    for (double[] row : values) {
      for (int k = 0; k < columns; k++) {
        double value = 2 * random.nextDouble() - 1;
        row[k] = type == DataType.FLOAT ? (float) value : value;
      }
    }
    return values;
  }

  private SDVariable parameter(String name, double[][] values, DataType type) {
    return graph.var(name, Nd4j.create(values).castTo(type));
  }

  Map<String, INDArray> feeds(double[][] y) {
    return Map.of("x", Nd4j.create(x), "y", Nd4j.create(y));
  }

  /** One-hot labels: sample n is of class n mod K. */
  double[][] classes() {
    double[][] y = new double[SAMPLES][OUTPUTS];
    for (int n = 0; n < SAMPLES; n++) {
      y[n][n % OUTPUTS] = 1;
    }
    return y;
  }

  double[][] targets() {
    return random(SAMPLES, OUTPUTS, DataType.FLOAT);
  }

  private double hidden(int n, int j) {
    double sum = b1[0][j];
    for (int i = 0; i < INPUTS; i++) {
      sum += x[n][i] * w1[i][j];
    }
    return Math.tanh(sum);
  }

  /** The predictions z. */
  double[][] z() {
    double[][] z = new double[SAMPLES][OUTPUTS];
    for (int n = 0; n < SAMPLES; n++) {
      for (int k = 0; k < OUTPUTS; k++) {
        z[n][k] = b2[0][k];
        for (int j = 0; j < HIDDEN; j++) {
          z[n][k] += hidden(n, j) * w2[j][k];
        }
      }
    }
    return z;
  }

  /** ∂zₙₖ/∂θ. */
  double[][][] jacobian() {
    int b1At = INPUTS * HIDDEN;
    int w2At = b1At + HIDDEN;
    int b2At = w2At + HIDDEN * OUTPUTS;
    double[][][] jacobian = new double[SAMPLES][OUTPUTS][b2At + OUTPUTS];
    for (int n = 0; n < SAMPLES; n++) {
      for (int k = 0; k < OUTPUTS; k++) {
        double[] row = jacobian[n][k];
        for (int j = 0; j < HIDDEN; j++) {
          double h = hidden(n, j);
          double back = w2[j][k] * (1 - h * h);
          for (int i = 0; i < INPUTS; i++) {
            row[i * HIDDEN + j] = back * x[n][i];
          }
          row[b1At + j] = back;
          row[w2At + j * OUTPUTS + k] = h;
        }
        row[b2At + k] = 1;
      }
    }
    return jacobian;
  }
}
