package org.backpack4j.examples.spark;

import java.util.List;
import java.util.SplittableRandom;
import org.nd4j.autodiff.loss.LossReduce;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.TrainingConfig;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Pooling2DConfig;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Sgd;

/**
 * LeNet-5 (LeCun, Bottou, Bengio and Haffner, 1998) for ten classes of 28×28 grey pixels, in the
 * form of today: every convolution sees all channels, and the loss is the mean cross-entropy of a
 * softmax. 61,706 parameters, drawn with a fixed seed.
 */
final class LeNet {
  /** The weights, in the order of the layers. */
  static final List<String> WEIGHTS = List.of("conv1", "conv2", "full1", "full2", "full3");

  private final SameDiff sd = SameDiff.create();
  private final SplittableRandom random = new SplittableRandom(1998);

  private LeNet() {}

  static SameDiff graph() {
    return new LeNet().build();
  }

  private SameDiff build() {
    SDVariable x = sd.placeHolder("x", DataType.FLOAT, -1, 1, 28, 28);
    SDVariable y = sd.placeHolder("y", DataType.FLOAT, -1, 10);
    SDVariable h = pool(convolution("conv1", x, 2, 5, 5, 1, 6));
    h = pool(convolution("conv2", h, 0, 5, 5, 6, 16)).reshape(-1, 400);
    h = sd.math().tanh(full("full1", h, 400, 120));
    h = sd.math().tanh(full("full2", h, 120, 84));
    SDVariable z = full("full3", h, 84, 10);
    SDVariable one = sd.constant(Nd4j.scalar(DataType.FLOAT, 1));
    sd.loss().softmaxCrossEntropy("loss", y, z, one, LossReduce.MEAN_BY_NONZERO_WEIGHT_COUNT, 0);
    sd.setTrainingConfig(
        TrainingConfig.builder()
            .updater(new Sgd())
            .dataSetFeatureMapping("x")
            .dataSetLabelMapping("y")
            .build());
    return sd;
  }

  private SDVariable convolution(String name, SDVariable in, int padding, int... shape) {
    Conv2DConfig config =
        Conv2DConfig.builder()
            .kH(shape[0])
            .kW(shape[1])
            .pH(padding)
            .pW(padding)
            .dataFormat("NCHW")
            .build();
    SDVariable bias = sd.var(name + "_bias", Nd4j.zeros(DataType.FLOAT, shape[3]));
    SDVariable weight = weight(name, shape[0] * shape[1] * shape[2], shape);
    return sd.math().tanh(sd.cnn().conv2d(in, weight, bias, config));
  }

  private SDVariable pool(SDVariable in) {
    return sd.cnn().avgPooling2d(in, Pooling2DConfig.builder().kH(2).kW(2).sH(2).sW(2).build());
  }

  private SDVariable full(String name, SDVariable in, int from, int to) {
    SDVariable bias = sd.var(name + "_bias", Nd4j.zeros(DataType.FLOAT, to));
    return in.mmul(weight(name, from, from, to)).add(bias);
  }

  /** Uniform, with the variance of one over the number of inputs. */
  private SDVariable weight(String name, int inputs, int... shape) {
    int length = 1;
    for (int extent : shape) {
      length *= extent;
    }
    float[] entries = new float[length];
    double bound = Math.sqrt(3.0 / inputs);
    for (int k = 0; k < length; k++) {
      entries[k] = (float) ((2 * random.nextDouble() - 1) * bound);
    }
    INDArray array = Nd4j.createFromArray(entries).reshape('c', shape);
    return sd.var(name, array);
  }
}
