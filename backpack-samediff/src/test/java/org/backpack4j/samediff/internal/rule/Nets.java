package org.backpack4j.samediff.internal.rule;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.internal.interpret.ReferenceInterpreter;
import org.backpack4j.samediff.testing.Checked;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Tests an op inside a small classifier: x → the op → tanh → logits by a constant matrix → softmax
 * cross-entropy, with as few parameters as the op has.
 */
final class Nets {
  private static final int BATCH = 3;
  private static final int CLASSES = 3;

  private Nets() {}

  /** The ops under test, on an input; parameters are made by {@link #random}. */
  interface Body {
    SDVariable of(SameDiff sd, SDVariable x, DataType type);
  }

  /** Numbers around zero, the same in every data type. */
  static INDArray random(DataType type, long... shape) {
    return Nd4j.rand(DataType.DOUBLE, shape).subi(0.4).castTo(type);
  }

  private record Net(SameDiff sd, Map<String, INDArray> feeds) {}

  private static Net net(DataType type, long[] sample, Body body) {
    Nd4j.getRandom().setSeed(7);
    SameDiff sd = SameDiff.create();
    long[] shape = new long[sample.length + 1];
    System.arraycopy(sample, 0, shape, 1, sample.length);
    shape[0] = BATCH;
    INDArray feed = random(type, shape);
    shape[0] = -1;
    SDVariable x = sd.placeHolder("x", type, shape);
    SDVariable y = sd.placeHolder("y", type, -1, CLASSES);
    SDVariable result = body.of(sd, x, type);
    long entries =
        ReferenceInterpreter.run(sd, Map.of("x", feed), List.of(result.name()))
            .get(result.name())
            .length();
    SDVariable rows = sd.math().tanh(result).reshape(-1, entries / BATCH);
    SDVariable z = rows.mmul(sd.constant("v", random(type, entries / BATCH, CLASSES)));
    sd.loss().softmaxCrossEntropy("loss", y, z, null);
    INDArray labels = Nd4j.zeros(type, BATCH, CLASSES);
    for (int n = 0; n < BATCH; n++) {
      labels.putScalar(n, n % CLASSES, 1);
    }
    return new Net(sd, Map.of("x", feed, "y", labels));
  }

  /** Compares all quantities with brute force, in double precision. */
  static void check(long[] sample, Body body) {
    Net net = net(DataType.DOUBLE, sample, body);
    Checked.check(net.sd, net.feeds);
  }

  /** The same, and float against double. */
  static void checkBoth(long[] sample, Body body) {
    Net net = net(DataType.DOUBLE, sample, body);
    Map<String, INDArray> expected = Checked.check(net.sd, net.feeds);
    Net small = net(DataType.FLOAT, sample, body);
    try (ExtendedGraph graph = BackPack.extend(small.sd, Checked.all())) {
      Map<String, INDArray> actual = graph.output(small.feeds, graph.outputNames());
      actual.forEach(
          (name, array) -> {
            INDArray reference = expected.get(name);
            double off = reference.sub(array.castTo(DataType.DOUBLE)).amaxNumber().doubleValue();
            assertThat(off)
                .as("float: " + name)
                .isLessThanOrEqualTo(1e-4 * reference.amaxNumber().doubleValue());
          });
    }
  }

  /**
   * The gradient alone, for which rules may have ways of their own, against the one that is the sum
   * of samples' gradients.
   */
  static void checkGradient(DataType type, long[] sample, Body body) {
    Net net = net(type, sample, body);
    try (ExtendedGraph alone = BackPack.extend(net.sd);
        ExtendedGraph rows = BackPack.extend(net.sd, Checked.all())) {
      List<String> names = alone.outputNames();
      Map<String, INDArray> expected = rows.output(net.feeds, names);
      Checked.compare("planned", expected, alone.output(net.feeds, names));
      for (int k = 1; k <= 2; k++) {
        Checked.compare(
            "SameDiff, evaluation " + k,
            expected,
            alone.sameDiff().output(net.feeds, names.toArray(new String[0])));
      }
    }
  }

  /** The error that extending a graph gives. */
  static Throwable refusal(DataType type, long[] sample, Body body) {
    Net net = net(type, sample, body);
    try (ExtendedGraph graph = BackPack.extend(net.sd, Checked.all())) {
      throw new AssertionError("not refused: " + graph.outputNames());
    } catch (RuntimeException e) {
      return e;
    }
  }
}
