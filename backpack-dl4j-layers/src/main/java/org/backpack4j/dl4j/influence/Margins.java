package org.backpack4j.dl4j.influence;

import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Margins of a classifier, m = ln(p / (1 − p)) for the probability p of a sample's class (Park,
 * Georgiev, Ilyas, Leclerc and Madry, 2023, "TRAK: attributing model behavior at scale").
 *
 * @param cotangents ∂m/∂z by the predictions z in front of the softmax or sigmoid [N, C]
 * @param missing 1 − p, without cancellation
 */
record Margins(INDArray cotangents, double[] missing) {
  /**
   * Of a softmax: m = z_y − ln Σ exp z_c over the other classes c.
   *
   * @param z the predictions [N, C], C at least 2
   * @param classes the samples' classes
   */
  static Margins softmax(INDArray z, int[] classes) {
    int n = (int) z.size(0);
    int c = (int) z.size(1);
    INDArray cotangents = Nd4j.create(DataType.DOUBLE, n, c);
    double[] missing = new double[n];
    for (int k = 0; k < n; k++) {
      double[] row = z.getRow(k).toDoubleVector();
      int own = classes[k];
      double largest = Double.NEGATIVE_INFINITY;
      for (int j = 0; j < c; j++) {
        largest = j == own ? largest : Math.max(largest, row[j]);
      }
      double sum = 0;
      for (int j = 0; j < c; j++) {
        sum += j == own ? 0 : Math.exp(row[j] - largest);
      }
      for (int j = 0; j < c; j++) {
        cotangents.putScalar(k, j, j == own ? 1 : -Math.exp(row[j] - largest) / sum);
      }
      missing[k] = missing(row[own] - largest - Math.log(sum));
    }
    return new Margins(cotangents, missing);
  }

  /**
   * Of a sigmoid: m = z for the class 1, −z for the class 0.
   *
   * @param z the predictions [N, 1]
   * @param classes the samples' classes
   */
  static Margins sigmoid(INDArray z, int[] classes) {
    int n = (int) z.size(0);
    INDArray cotangents = Nd4j.create(DataType.DOUBLE, n, 1);
    double[] missing = new double[n];
    for (int k = 0; k < n; k++) {
      double sign = classes[k] == 1 ? 1 : -1;
      cotangents.putScalar(k, 0, sign);
      missing[k] = missing(sign * z.getDouble(k, 0));
    }
    return new Margins(cotangents, missing);
  }

  /** 1 − p = 1 / (1 + eᵐ). */
  private static double missing(double margin) {
    return margin > 0 ? Math.exp(-margin) / (1 + Math.exp(-margin)) : 1 / (1 + Math.exp(margin));
  }
}
