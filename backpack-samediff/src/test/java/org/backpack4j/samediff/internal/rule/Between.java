package org.backpack4j.samediff.internal.rule;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.BiFunction;
import org.backpack4j.samediff.internal.interpret.ReferenceInterpreter;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A tiny net around an op: what goes in is tanh(x ∘ w) with a parameter w, what comes out is mapped
 * to three logits by fixed weights and compared with labels. So every number behind the op depends
 * on one in front of it, and few entries have to be checked.
 */
final class Between {
  /** Not a divisor or multiple of the extents that tests use. */
  static final int SAMPLES = 3;

  private static final int CLASSES = 3;

  private final SameDiff sd = SameDiff.create();
  private final Map<String, INDArray> feeds = new LinkedHashMap<>();
  private final Map<String, INDArray> spare = new LinkedHashMap<>();

  /** What goes into the op: one part of the given shape for each sample. */
  static Between input(long... part) {
    return inputOnAxis(0, part);
  }

  /** The same with the samples on another axis. */
  static Between inputOnAxis(int axis, long... part) {
    Between net = new Between();
    net.activation("x", "w", axis, part);
    return net;
  }

  private SDVariable activation(String input, String parameter, int axis, long... part) {
    long[] declared = with(axis, -1, part);
    SDVariable x = sd.placeHolder(input, DataType.DOUBLE, declared);
    feeds.put(input, random(with(axis, SAMPLES, part)));
    SDVariable w = sd.var(parameter, random(with(axis, 1, part)));
    return sd.math().tanh("h_" + input, x.mul(w));
  }

  /** A second input, h_x2, made of a parameter w2. */
  Between another(long... part) {
    activation("x2", "w2", 0, part);
    return this;
  }

  /** Feeds a placeholder that the op makes for itself, if it does. */
  Between feed(String placeholder, INDArray array) {
    spare.put(placeholder, array);
    return this;
  }

  /** The op, and behind it the classifier, whose input has its samples on axis 0. */
  Between op(BiFunction<SameDiff, SDVariable, SDVariable> op) {
    SDVariable y = op.apply(sd, sd.getVariable("h_x"));
    spare.keySet().retainAll(sd.variableMap().keySet());
    feeds.putAll(spare);
    long size =
        ReferenceInterpreter.run(sd, feeds, List.of(y.name())).get(y.name()).length() / SAMPLES;
    SDVariable fixed = sd.constant("fixed", random(size, CLASSES));
    SDVariable z = y.reshape(-1, size).mmul("z", fixed);
    SDVariable labels = sd.placeHolder("labels", DataType.DOUBLE, -1, CLASSES);
    sd.loss().softmaxCrossEntropy("loss", labels, z, null);
    INDArray hot = Nd4j.zeros(DataType.DOUBLE, SAMPLES, CLASSES);
    for (int n = 0; n < SAMPLES; n++) {
      hot.putScalar(n, n % CLASSES, 1);
    }
    feeds.put("labels", hot);
    return this;
  }

  /** The gradient of the loss by central differences, where samples cannot be told apart. */
  INDArray gradientByDifferences() {
    return gradientByDifferences(feeds);
  }

  /** The feeds of the first sample alone, where all have their samples on axis 0. */
  Map<String, INDArray> alone() {
    Map<String, INDArray> first = new LinkedHashMap<>();
    feeds.forEach(
        (name, array) -> {
          long[] shape = array.shape().clone();
          INDArray rows = array.reshape(shape[0], -1);
          shape[0] = 1;
          first.put(name, rows.getRow(0, true).dup('c').reshape(shape));
        });
    return first;
  }

  INDArray gradientByDifferences(Map<String, INDArray> feeds) {
    INDArray w = sd.getVariable("w").getArr();
    INDArray gradient = Nd4j.zeros(DataType.DOUBLE, w.shape());
    for (long k = 0; k < w.length(); k++) {
      double here = w.getDouble(k);
      double difference = 0;
      for (int side : new int[] {1, -1}) {
        w.putScalar(k, here + side * 1e-5);
        difference +=
            side * ReferenceInterpreter.run(sd, feeds, List.of("loss")).get("loss").getDouble(0);
      }
      w.putScalar(k, here);
      gradient.putScalar(k, difference / 2e-5);
    }
    return gradient;
  }

  SameDiff graph() {
    return sd;
  }

  Map<String, INDArray> feeds() {
    return feeds;
  }

  private static long[] with(int axis, long size, long... part) {
    long[] shape = new long[part.length + 1];
    for (int k = 0; k < shape.length; k++) {
      shape[k] = k == axis ? size : part[k < axis ? k : k - 1];
    }
    return shape;
  }

  /** Numbers between −0.4 and 0.6, other ones for another shape. */
  static INDArray random(long... shape) {
    INDArray array = Nd4j.create(DataType.DOUBLE, shape);
    Random random = new Random(array.length());
    for (long i = 0; i < array.length(); i++) {
      array.putScalar(i, random.nextDouble() - 0.4);
    }
    return array;
  }
}
