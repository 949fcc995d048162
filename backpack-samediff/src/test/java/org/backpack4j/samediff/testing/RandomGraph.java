package org.backpack4j.samediff.testing;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.PaddingMode;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A random network of supported ops on small images: convolutions, dense layers on rows and on
 * positions, activations, skip connections, products of branches, concatenations, reshapes,
 * permutations, shared and masked weights, and one of three losses, scaled and with a penalty at
 * times. The same seed gives the same graph.
 */
public final class RandomGraph {
  private static final int SAMPLES = 3;

  private final Random random;
  private final SameDiff sd = SameDiff.create();
  private final Map<String, INDArray> feeds = new LinkedHashMap<>();
  private final List<SDVariable> parameters = new ArrayList<>();
  private final SettledValues settled;
  private final BatchValues ofAllSamples;

  /** Parameters that meet a value of all samples. */
  private final List<String> coupled = new ArrayList<>();

  /** What was fed. */
  private final SDVariable input;

  /** The current value and its per-sample shape, channels first where it is an image. */
  private SDVariable value;

  private long[] shape;
  private int names;

  public RandomGraph(long seed) {
    random = new Random(seed);
    settled = new SettledValues(sd, random);
    ofAllSamples = new BatchValues(sd, random);
    Nd4j.getRandom().setSeed(seed);
    boolean image = random.nextBoolean();
    shape = image ? new long[] {2, 4, 3} : new long[] {4};
    input = sd.placeHolder("x", DataType.DOUBLE, withSamples(-1));
    value = input;
    feeds.put("x", array(withSamples(SAMPLES)));
    int layers = 2 + random.nextInt(4);
    for (int k = 0; k < layers; k++) {
      layer();
    }
    if (random.nextInt(3) == 0) {
      settledShift();
    }
    if (random.nextInt(6) == 0) {
      coupledShift();
    }
    flatten();
    long out = 2L + random.nextInt(2);
    dense(out);
    loss(out);
  }

  public SameDiff graph() {
    return sd;
  }

  public Map<String, INDArray> feeds() {
    return feeds;
  }

  /** The parameters of which everything but the gradient has to be refused. */
  public List<String> coupled() {
    return coupled;
  }

  /** A scale and a shift that meet numbers read off shapes. */
  private void settledShift() {
    SDVariable scale = settled.meets(value, parameter(withSamples(1)));
    value = sd.math().tanh(value.mul(scale).add(settled.meets(value, parameter(withSamples(1)))));
  }

  /** A shift that meets a number of all samples. */
  private void coupledShift() {
    SDVariable p = parameter(withSamples(1));
    coupled.add(p.name());
    value = sd.math().tanh(value.add(ofAllSamples.meets(input, p)));
  }

  private long[] withSamples(long n) {
    long[] all = new long[shape.length + 1];
    all[0] = n;
    System.arraycopy(shape, 0, all, 1, shape.length);
    return all;
  }

  private static INDArray array(long... dims) {
    return Nd4j.rand(DataType.DOUBLE, dims).muli(1.6).subi(0.7);
  }

  private SDVariable parameter(long... dims) {
    SDVariable p = sd.var("p" + names++, array(dims));
    parameters.add(p);
    return p;
  }

  private void layer() {
    switch (random.nextInt(shape.length == 3 ? 8 : 6)) {
      case 0 -> activation();
      case 1 -> skip();
      case 2 -> product();
      case 3 -> {
        flatten();
        dense(3 + random.nextInt(3));
      }
      case 4 -> scaleAndShift();
      case 5 -> denseOnTheLastAxis();
      case 6 -> convolution();
      default -> permuted();
    }
  }

  private void activation() {
    value =
        switch (random.nextInt(4)) {
          case 0 -> sd.math().tanh(value);
          case 1 -> sd.nn().sigmoid(value);
          case 2 -> sd.nn().relu(value, 0);
          default -> sd.math().square(value);
        };
  }

  private void skip() {
    SDVariable branch = sd.math().tanh(value);
    value = random.nextBoolean() ? value.add(branch) : branch.sub(value);
  }

  private void product() {
    SDVariable gate = sd.nn().sigmoid(value);
    value = value.mul(gate);
  }

  private void scaleAndShift() {
    long[] dims = withSamples(1);
    for (int k = 1; k < dims.length; k++) {
      dims[k] = random.nextBoolean() ? dims[k] : 1;
    }
    value = value.mul(parameter(dims)).add(parameter(dims));
  }

  /** A time-distributed dense layer: rows [N · T, F]; its weight is masked at times. */
  private void denseOnTheLastAxis() {
    long features = shape[shape.length - 1];
    SDVariable w = parameter(features, features);
    if (random.nextInt(3) == 0) {
      w =
          w.mul(
              sd.constant(
                  Nd4j.rand(DataType.DOUBLE, features, features).gt(0.4).castTo(DataType.DOUBLE)));
    }
    SDVariable rows = value.reshape(-1, features).mmul(w);
    if (random.nextInt(3) == 0) {
      rows = sd.math().tanh(rows).mmul(w); // the same weight again
    }
    value = rows.reshape(withSamples(-1));
  }

  private void convolution() {
    long out = 1L + random.nextInt(3);
    boolean same = random.nextBoolean();
    long k = 1L + random.nextInt(3);
    Conv2DConfig config =
        Conv2DConfig.builder()
            .kH(k)
            .kW(2)
            .pH(same ? 0 : 1)
            .pW(same ? 0 : 1)
            .paddingMode(same ? PaddingMode.SAME : PaddingMode.VALID)
            .dataFormat("NCHW")
            .build();
    value = sd.cnn().conv2d(value, parameter(k, 2, shape[0], out), parameter(out), config);
    shape =
        new long[] {
          out, same ? shape[1] : shape[1] + 2 - k + 1, same ? shape[2] : shape[2] + 2 - 2 + 1
        };
  }

  private void permuted() {
    value = sd.permute(value, 0, 3, 1, 2);
    shape = new long[] {shape[2], shape[0], shape[1]};
  }

  private void flatten() {
    long size = 1;
    for (long dim : shape) {
      size *= dim;
    }
    if (shape.length > 1) {
      value = value.reshape(-1, size);
      shape = new long[] {size};
    }
  }

  private void dense(long out) {
    value = value.mmul(parameter(shape[0], out).mul(1 / Math.sqrt(shape[0]))).add(parameter(out));
    shape = new long[] {out};
  }

  private void loss(long out) {
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, out);
    INDArray labels = Nd4j.zeros(DataType.DOUBLE, SAMPLES, out);
    for (int n = 0; n < SAMPLES; n++) {
      labels.putScalar(n, random.nextInt((int) out), 1);
    }
    feeds.put("y", labels);
    SDVariable loss =
        switch (random.nextInt(3)) {
          case 0 -> sd.loss().softmaxCrossEntropy("loss", y, value, null);
          case 1 -> sd.loss().meanSquaredError("loss", y, value, null);
          default -> sd.loss().sigmoidCrossEntropy("loss", y, value, null);
        };
    if (random.nextBoolean()) {
      SDVariable p = parameters.get(random.nextInt(parameters.size()));
      SDVariable penalty = p.mul(p).sum().mul(0.1);
      if (random.nextBoolean()) {
        penalty = penalty.div(settled.number(input));
      }
      sd.setLossVariables(loss.mul(1.5).add("total", penalty).name());
    }
  }
}
