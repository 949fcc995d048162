package org.backpack4j.samediff.testing;

import java.util.Map;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Small graphs that several tests share. */
public final class Graphs {
  private Graphs() {}

  public static INDArray random(long... shape) {
    return Nd4j.rand(DataType.DOUBLE, shape).subi(0.4);
  }

  public static INDArray oneHot(int samples, int classes) {
    INDArray labels = Nd4j.zeros(DataType.DOUBLE, samples, classes);
    for (int n = 0; n < samples; n++) {
      labels.putScalar(n, n % classes, 1);
    }
    return labels;
  }

  /** x [N, 5] → tanh(x w + b) → z [N, 3], softmax cross-entropy with y [N, 3]. */
  public static SameDiff perceptron() {
    Nd4j.getRandom().setSeed(11);
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 5);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 3);
    SDVariable w = sd.var("w", random(5, 4));
    SDVariable h = sd.math().tanh("h", x.mmul("xw", w).add("xwb", sd.var("b", random(4))));
    SDVariable z = h.mmul("z", sd.var("v", random(4, 3)));
    sd.loss().softmaxCrossEntropy("loss", y, z, null);
    return sd;
  }

  public static Map<String, INDArray> feeds(int samples) {
    return Map.of("x", random(samples, 5), "y", oneHot(samples, 3));
  }
}
