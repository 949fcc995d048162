package org.backpack4j.samediff.internal.rule;

import java.util.LinkedHashMap;
import java.util.Map;
import org.assertj.core.api.AbstractThrowableAssert;
import org.assertj.core.api.Assertions;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.UnsupportedGraphException;
import org.backpack4j.samediff.check.BruteForce;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.internal.interpret.ReferenceInterpreter;
import org.backpack4j.samediff.testing.Checked;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** A small network around an op under test: placeholders with their feeds, parameters, a loss. */
final class Net {
  final SameDiff sd = SameDiff.create();
  final Map<String, INDArray> feeds = new LinkedHashMap<>();

  /** The seed is set, so that a test sees the same numbers alone and in a suite. */
  Net() {
    Nd4j.getRandom().setSeed(5);
  }

  /** Numbers between −0.4 and 0.6. */
  static INDArray random(long... shape) {
    return Nd4j.rand(DataType.DOUBLE, shape).subi(0.4);
  }

  /** A placeholder with its samples on axis 0. */
  SDVariable fed(String name, INDArray array) {
    feeds.put(name, array);
    long[] shape = array.shape().clone();
    shape[0] = -1;
    return sd.placeHolder(name, array.dataType(), shape);
  }

  SDVariable fed(String name, long... shape) {
    return fed(name, random(shape));
  }

  SDVariable parameter(String name, long... shape) {
    return sd.var(name, random(shape));
  }

  /** A value with its samples first that depends on a parameter before the op under test. */
  SDVariable hidden(long... shape) {
    SDVariable x = fed("x", shape);
    long[] part = shape.clone();
    part[0] = 1;
    return sd.math().tanh("hidden", x.mul(parameter("scale", part)));
  }

  /** Ends in a softmax cross-entropy of two classes behind a dense layer; samples on axis 0. */
  void classified(SDVariable out, long samples) {
    long features = value(out).length() / samples;
    SDVariable flat = sd.math().tanh(out).reshape(-1, features);
    SDVariable z = flat.mmul("z", sd.constant(random(features, 2)));
    sd.loss().softmaxCrossEntropy("loss", fed("y", softmax(samples)), z, null);
  }

  private static INDArray softmax(long samples) {
    return Nd4j.nn().softmax(random(samples, 2), 1);
  }

  INDArray value(SDVariable variable) {
    return ReferenceInterpreter.run(sd, feeds, java.util.List.of(variable.name()))
        .get(variable.name());
  }

  /** A loss written by hand of the predictions "z", so that curvature starts at its ops. */
  void byHand(SDVariable loss) {
    loss.rename("loss");
    sd.setLossVariables("loss");
  }

  Map<String, INDArray> check() {
    return Checked.check(sd, feeds);
  }

  Map<String, INDArray> checkNumbers() {
    return Checked.checkNumbers(sd, feeds, Checked.all());
  }

  /** With named predictions. */
  Map<String, INDArray> checkNumbers(String... predictions) {
    return Checked.checkNumbers(
        feeds,
        BackPack.on(sd).predictions(predictions),
        BruteForce.on(sd, feeds).predictions(predictions),
        Checked.all());
  }

  AbstractThrowableAssert<?, ? extends Throwable> refused(Extension... extensions) {
    return Assertions.assertThatThrownBy(() -> BackPack.extend(sd, extensions))
        .isInstanceOf(UnsupportedGraphException.class);
  }

  /** The gradient, and rows that add up to it, where samples influence each other. */
  void gradientIsCoupled() {
    try (ExtendedGraph graph = BackPack.extend(sd, new BatchGrad())) {
      Map<String, INDArray> results = graph.output(feeds, graph.outputNames());
      BruteForce brute = BruteForce.on(sd, feeds).predictions("z");
      for (Map.Entry<String, INDArray> expected : brute.gradient().entrySet()) {
        INDArray gradient = results.get(expected.getKey() + ".grad");
        INDArray rows = results.get(expected.getKey() + ".grad_batch").sum(0);
        double size = expected.getValue().amaxNumber().doubleValue();
        Assertions.assertThat(off(gradient, expected.getValue())).isLessThan(1e-6 * size);
        Assertions.assertThat(off(rows, expected.getValue())).isLessThan(1e-6 * size);
        Assertions.assertThat(size).isGreaterThan(1e-6);
      }
    }
  }

  private static double off(INDArray a, INDArray b) {
    return a.sub(b).amaxNumber().doubleValue();
  }
}
