package org.backpack4j.examples.reference;

import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.nd4j.autodiff.samediff.SDVariable;

/** Sums and products of branches, of a branch and a number, and elementwise functions. */
final class Arithmetic {

  private static final String[] SCALARS = {
    "other", "value", "scalar", "constant", "scale", "factor", "alpha"
  };

  private Arithmetic() {}

  static void register(Map<String, Module> table) {
    for (String name : new String[] {"add", "summodule", "sumall", "plus", "residual"}) {
      table.put(name, Arithmetic::add);
    }
    for (String name : new String[] {"sub", "subtract", "minus"}) {
      table.put(name, Arithmetic::subtract);
    }
    for (String name : new String[] {"mul", "multiply", "product", "scale", "scalemodule"}) {
      table.put(name, Arithmetic::multiply);
    }
    for (String name : new String[] {"div", "divide", "truediv"}) {
      table.put(name, Arithmetic::divide);
    }
    for (String name :
        new String[] {"identity", "dropout", "dropout1d", "dropout2d", "dropout3d"}) {
      table.put(name, ModuleContext::input);
    }
    for (String name : new String[] {"alphadropout", "featurealphadropout", "contiguous"}) {
      table.put(name, ModuleContext::input);
    }
    table.put(
        "pow", c -> power(c.input(), c.attributes().firstNumber("exponent", "value").orElse(2.0)));
    table.put("square", c -> c.input().times(c.input()));
    table.put("abs", c -> c.input().map(x -> x.getSameDiff().math().abs(x)));
    table.put("cos", c -> c.input().map(x -> x.getSameDiff().math().cos(x)));
    table.put("erf", c -> c.input().map(x -> x.getSameDiff().math().erf(x)));
    table.put("exp", c -> c.input().map(x -> x.getSameDiff().math().exp(x)));
    table.put("log", c -> c.input().map(x -> x.getSameDiff().math().log(x)));
    table.put("neg", c -> c.input().map(x -> x.getSameDiff().math().neg(x)));
    table.put("reciprocal", c -> c.input().map(x -> x.rdiv(1)));
    table.put("sin", c -> c.input().map(x -> x.getSameDiff().math().sin(x)));
    table.put("sqrt", c -> c.input().map(x -> x.getSameDiff().math().sqrt(x)));
    for (String name : new String[] {"clamp", "clip"}) {
      table.put(name, Arithmetic::clamp);
    }
  }

  static Tensor add(ModuleContext c) {
    Tensor sum = c.input();
    if (c.inputs().size() == 1) {
      return ownParameter(c, "weight", "bias").map(sum::plus).orElseGet(() -> sum.plus(scalar(c)));
    }
    return addAll(c);
  }

  private static Tensor addAll(ModuleContext c) {
    Tensor sum = c.input();
    double factor = c.attributes().number("alpha", 1);
    for (Tensor next : c.inputs().subList(1, c.inputs().size())) {
      sum = sum.plus(next.times(factor));
    }
    return sum;
  }

  private static Tensor subtract(ModuleContext c) {
    return c.inputs().size() == 1 ? c.input().plus(-scalar(c)) : c.input().minus(c.input(1));
  }

  /** Branches, a parameter of its own, or a number. */
  private static Tensor multiply(ModuleContext c) {
    if (c.inputs().size() == 1) {
      Tensor single = c.input();
      return ownParameter(c, "weight", "scale")
          .map(single::times)
          .orElseGet(() -> single.times(scalar(c)));
    }
    Tensor product = c.input();
    for (Tensor next : c.inputs().subList(1, c.inputs().size())) {
      product = product.times(next);
    }
    return product;
  }

  private static Optional<Tensor> ownParameter(ModuleContext c, String... names) {
    return Arrays.stream(names).filter(c::hasParameter).map(c::parameter).findFirst();
  }

  private static Tensor divide(ModuleContext c) {
    if (c.inputs().size() > 1) {
      return c.input().over(c.input(1));
    }
    double divisor = scalar(c);
    return c.input().map(x -> x.div(divisor));
  }

  private static Tensor power(Tensor x, double exponent) {
    if (exponent == 2) {
      return x.times(x);
    }
    return x.map(v -> v.getSameDiff().math().pow(v, exponent));
  }

  private static Tensor clamp(ModuleContext c) {
    double low = c.attributes().number("min", -Double.MAX_VALUE);
    double high = c.attributes().number("max", Double.MAX_VALUE);
    UnaryOperator<SDVariable> clip = x -> x.getSameDiff().math().clipByValue(x, low, high);
    return c.input().map(clip);
  }

  private static double scalar(ModuleContext c) {
    return c.attributes()
        .firstNumber(SCALARS)
        .orElseThrow(() -> c.unsupported("one input and no number"));
  }
}
