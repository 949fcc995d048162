package org.backpack4j.samediff.internal.rule;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.check.BruteForce;
import org.backpack4j.samediff.testing.Checked;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Tiny problems in double precision whose numbers depend on nothing but names and shapes. */
final class Problems {
  static final int SAMPLES = 3;

  private Problems() {}

  /** Numbers from a range. */
  static INDArray random(long seed, double from, double to, long... shape) {
    INDArray array = Nd4j.create(DataType.DOUBLE, shape);
    Random random = new Random(seed);
    for (int i = 0; i < array.length(); i++) {
      array.putScalar(i, from + (to - from) * random.nextDouble());
    }
    return array;
  }

  /** A parameter between −1 and 1. */
  static SDVariable parameter(SameDiff sd, String name, long... shape) {
    return sd.var(name, random(name.hashCode(), -1, 1, shape));
  }

  /** A placeholder [N, shape…]. */
  static SDVariable placeholder(SameDiff sd, String name, long... shape) {
    long[] batch = new long[shape.length + 1];
    batch[0] = -1;
    System.arraycopy(shape, 0, batch, 1, shape.length);
    return sd.placeHolder(name, DataType.DOUBLE, batch);
  }

  /** A value [N, shape…] that depends on samples and on the parameter {@code w_name}. */
  static SDVariable samples(SameDiff sd, String name, long... shape) {
    return placeholder(sd, name, shape).mul(parameter(sd, "w_" + name, shape));
  }

  /** Feeds for all placeholders, between −1 and 1. */
  static Map<String, INDArray> feeds(SameDiff sd) {
    return feeds(sd, -1, 1);
  }

  static Map<String, INDArray> feeds(SameDiff sd, double from, double to) {
    Map<String, INDArray> feeds = new LinkedHashMap<>();
    for (SDVariable v : sd.placeHolders()) {
      long[] shape = v.placeholderShape().clone();
      shape[0] = SAMPLES;
      feeds.put(v.name(), random(17 + v.name().hashCode(), from, to, shape));
    }
    return feeds;
  }

  /** Makes the mean of the squares the loss, and the value, called z, the predictions. */
  static SameDiff squared(SameDiff sd, SDVariable value) {
    sd.math().square(value.rename("z")).mean("loss");
    sd.setLossVariables("loss");
    return sd;
  }

  /** Compares all quantities with brute force. */
  static void verify(SameDiff sd, Map<String, INDArray> feeds, String... predictions) {
    try (ExtendedGraph graph = BackPack.on(sd).predictions(predictions).extend(Checked.all())) {
      Map<String, INDArray> answer = graph.output(feeds, graph.outputNames());
      BruteForce.on(sd, feeds).predictions(predictions).verify(answer).orThrow();
    }
  }

  /** The same in every way of running and each layout of the feeds. */
  static void verifyInEveryWay(SameDiff sd, Map<String, INDArray> feeds, String... predictions) {
    Checked.check(
        sd,
        feeds,
        BackPack.on(sd).predictions(predictions),
        BruteForce.on(sd, feeds).predictions(predictions),
        Checked.all());
  }
}
