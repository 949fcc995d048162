package org.backpack4j.examples.reference;

import java.util.Arrays;
import java.util.Map;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.ops.SDNN;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * Activations, with PyTorch's definitions. Those that ND4J defines otherwise (its {@code gelu}, its
 * {@code hardSigmoid}) are written out.
 */
final class Activations {

  private static final double SQRT_2 = Math.sqrt(2);
  private static final double SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI);

  private Activations() {}

  static void register(Map<String, Module> table) {
    table.put("celu", c -> scaledElu(c.input(), c.attributes().number("alpha", 1)));
    table.put("elu", Activations::elu);
    table.put("gelu", Activations::gelu);
    table.put("glu", Activations::glu);
    table.put("hardshrink", Activations::hardShrink);
    table.put("hardsigmoid", c -> hardSigmoid(c.input()));
    table.put("hardswish", c -> c.input().times(hardSigmoid(c.input())));
    table.put("hardtanh", Activations::hardTanh);
    table.put("leakyrelu", Activations::leakyRelu);
    table.put("logsigmoid", c -> c.input().map(x -> nn(x).logSigmoid(x)));
    table.put("logsoftmax", Activations::logSoftmax);
    table.put("mish", c -> c.input().times(tanh(softplus(c.input()))));
    table.put("prelu", Activations::prelu);
    table.put("relu", c -> relu(c.input()));
    table.put("relu6", c -> relu6(c.input()));
    table.put("rrelu", Activations::rrelu);
    table.put("selu", c -> c.input().map(x -> nn(x).selu(x)));
    table.put("sigmoid", c -> sigmoid(c.input()));
    table.put("silu", c -> c.input().map(x -> nn(x).swish(x)));
    table.put("softmax", c -> softmax(c.input(), axis(c, -1)));
    table.put("softmax2d", c -> softmax(c.input(), 1));
    table.put("softmin", c -> softmax(c.input().times(-1), axis(c, -1)));
    table.put("softplus", Activations::softplus);
    table.put("softshrink", Activations::softShrink);
    table.put("softsign", c -> c.input().map(x -> nn(x).softsign(x)));
    table.put("swish", c -> c.input().map(x -> nn(x).swish(x)));
    table.put("tanh", c -> tanh(c.input()));
    table.put("tanhshrink", c -> c.input().minus(tanh(c.input())));
    table.put("threshold", Activations::threshold);
  }

  static Tensor relu(Tensor x) {
    return x.map(v -> nn(v).relu(v, 0));
  }

  static Tensor sigmoid(Tensor x) {
    return x.map(v -> nn(v).sigmoid(v));
  }

  static Tensor tanh(Tensor x) {
    return x.map(v -> nn(v).tanh(v));
  }

  static Tensor softmax(Tensor x, long axis) {
    int along = x.axis(axis);
    return x.map(v -> nn(v).softmax(v, along));
  }

  private static Tensor relu6(Tensor x) {
    return x.map(v -> nn(v).relu6(v, 0));
  }

  private static Tensor softplus(Tensor x) {
    return x.map(v -> nn(v).softplus(v));
  }

  private static Tensor elu(Tensor x) {
    return x.map(v -> nn(v).elu(v));
  }

  /** alpha elu(x / alpha), which is CELU. */
  private static Tensor scaledElu(Tensor x, double alpha) {
    return elu(x.times(1 / alpha)).times(alpha);
  }

  /** The negative part alone is scaled: relu(x) + alpha (elu(x) - relu(x)). */
  private static Tensor elu(ModuleContext c) {
    double alpha = c.attributes().number("alpha", 1);
    Tensor elu = elu(c.input());
    if (alpha == 1) {
      return elu;
    }
    return relu(c.input()).times(1 - alpha).plus(elu.times(alpha));
  }

  private static Tensor gelu(ModuleContext c) {
    Tensor x = c.input();
    Tensor gate;
    if (c.attributes().text("approximate", "none").equals("tanh")) {
      Tensor cubic = x.times(x).times(x).times(0.044715).plus(x);
      gate = tanh(cubic.times(SQRT_2_OVER_PI));
    } else {
      gate = x.times(1 / SQRT_2).map(v -> v.getSameDiff().math().erf(v));
    }
    return x.times(gate.plus(1)).times(0.5);
  }

  private static Tensor glu(ModuleContext c) {
    Tensor x = c.input();
    int along = x.axis(axis(c, -1));
    long half = x.size(along) / 2;
    return x.slice(along, 0, half).times(sigmoid(x.slice(along, half, 2 * half)));
  }

  private static Tensor hardShrink(ModuleContext c) {
    double lambda = c.attributes().number("lambd", 0.5);
    return c.input().times(c.input().map(x -> mask(x.getSameDiff().math().abs(x).gt(lambda))));
  }

  private static Tensor hardSigmoid(Tensor x) {
    return relu6(x.plus(3)).times(1.0 / 6);
  }

  private static Tensor hardTanh(ModuleContext c) {
    double low = c.attributes().number("min_val", -1);
    double high = c.attributes().number("max_val", 1);
    return low == -1 && high == 1
        ? c.input().map(x -> nn(x).hardTanh(x))
        : c.input().map(x -> x.getSameDiff().math().clipByValue(x, low, high));
  }

  private static Tensor leakyRelu(ModuleContext c) {
    double slope = c.attributes().number("negative_slope", 0.01);
    return c.input().map(x -> nn(x).leakyRelu(x, slope));
  }

  /** The mean of the slopes, as in evaluation mode. */
  private static Tensor rrelu(ModuleContext c) {
    double low = c.attributes().number("lower", 1.0 / 8);
    double high = c.attributes().number("upper", 1.0 / 3);
    return c.input().map(x -> nn(x).leakyRelu(x, (low + high) / 2));
  }

  /** relu(x) - a relu(-x), with one slope, or one for each channel. */
  private static Tensor prelu(ModuleContext c) {
    Tensor x = c.input();
    Tensor slopes = c.parameter("weight");
    if (slopes.length() > 1 && x.rank() > 2) {
      long[] perChannel = new long[x.rank() - 1];
      Arrays.fill(perChannel, 1);
      perChannel[0] = slopes.length();
      slopes = slopes.reshape(perChannel);
    }
    return relu(x).minus(relu(x.times(-1)).times(slopes));
  }

  private static Tensor softplus(ModuleContext c) {
    double beta = c.attributes().number("beta", 1);
    return softplus(c.input().times(beta)).times(1 / beta);
  }

  private static Tensor softShrink(ModuleContext c) {
    double lambda = c.attributes().number("lambd", 0.5);
    Tensor x = c.input();
    return relu(x.plus(-lambda)).minus(relu(x.times(-1).plus(-lambda)));
  }

  private static Tensor threshold(ModuleContext c) {
    double threshold = c.attributes().number("threshold", 0);
    double value = c.attributes().number("value", 0);
    Tensor above = c.input().map(x -> mask(x.gt(threshold)));
    return c.input().times(above).plus(above.times(-value).plus(value));
  }

  /** SameDiff's own takes the last axis; with an axis it cannot be copied. */
  private static Tensor logSoftmax(ModuleContext c) {
    Tensor x = c.input();
    int along = x.axis(axis(c, -1));
    int last = x.rank() - 1;
    return x.transpose(along, last).map(v -> nn(v).logSoftmax(v)).transpose(along, last);
  }

  private static long axis(ModuleContext c, long otherwise) {
    return c.attributes().integer("dim", c.attributes().integer("axis", otherwise));
  }

  private static SDVariable mask(SDVariable condition) {
    return condition.castTo(DataType.DOUBLE);
  }

  private static SDNN nn(SDVariable variable) {
    return variable.getSameDiff().nn();
  }
}
