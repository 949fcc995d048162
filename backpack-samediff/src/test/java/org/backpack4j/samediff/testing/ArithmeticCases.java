package org.backpack4j.samediff.testing;

import static org.backpack4j.samediff.testing.OpCase.random;
import static org.backpack4j.samediff.testing.OpCase.variables;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.ops.SDMath;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Elementwise functions, broadcasting arithmetic and reductions. */
final class ArithmeticCases {
  private final List<OpCase> cases = new ArrayList<>();

  private ArithmeticCases() {}

  static List<OpCase> all() {
    ArithmeticCases all = new ArithmeticCases();
    all.broadcasting();
    all.scalars();
    all.reductions();
    all.functions();
    all.others();
    return all.cases;
  }

  private void add(String name, INDArray array, BiFunction<SameDiff, SDVariable, SDVariable> op) {
    cases.add(new OpCase(name, variables("x", array), sd -> op.apply(sd, sd.getVariable("x"))));
  }

  private interface Binary {
    SDVariable apply(SameDiff sd, SDVariable x, SDVariable y);
  }

  private void broadcasting() {
    Map<String, Binary> ops = new LinkedHashMap<>();
    ops.put("add", (sd, x, y) -> x.add(y));
    ops.put("sub", (sd, x, y) -> x.sub(y));
    ops.put("mul", (sd, x, y) -> x.mul(y));
    ops.put("div", (sd, x, y) -> x.div(y));
    ops.put("rsub", (sd, x, y) -> x.rsub(y));
    ops.put("rdiv", (sd, x, y) -> x.rdiv(y));
    ops.put("pow", (sd, x, y) -> sd.math().pow(x, y));
    ops.put("squaredDifference", (sd, x, y) -> sd.math().squaredDifference(x, y));
    ops.put("max", (sd, x, y) -> sd.max(x, y));
    ops.put("min", (sd, x, y) -> sd.min(x, y));
    ops.put("atan2", (sd, x, y) -> sd.math().atan2(x, y));
    ops.forEach((name, op) -> pair(name, random(3, 4, 2).addi(1.5), random(3, 1, 2).addi(1.6), op));
    pair("add of a row", random(3, 4), random(4), (sd, x, y) -> x.add(y));
    pair("mul of channels", random(2, 4, 3, 3), random(1, 4, 1, 1), (sd, x, y) -> x.mul(y));
  }

  private void pair(String name, INDArray x, INDArray y, Binary op) {
    cases.add(
        new OpCase(
            name,
            variables("x", x, "y", y),
            sd -> op.apply(sd, sd.getVariable("x"), sd.getVariable("y"))));
  }

  private void scalars() {
    add("scalar ops", random(3, 4), (sd, x) -> x.mul(2).add(1).rsub(3).div(4));
    add("scalar max", random(3, 4), (sd, x) -> sd.scalarMax(x, 0.1));
    add("scalar min", random(3, 4), (sd, x) -> sd.scalarMin(x, 0.1));
    add("pow 3", random(3, 4), (sd, x) -> sd.math().pow(x, 3));
  }

  private void reductions() {
    Map<String, BiFunction<SameDiff, SDVariable, SDVariable>> ops = new LinkedHashMap<>();
    ops.put("sum", (sd, x) -> x.sum(1));
    ops.put("sum keeping dimensions", (sd, x) -> x.sum(true, 1, 2));
    ops.put("sum of all", (sd, x) -> x.sum());
    ops.put("mean", (sd, x) -> x.mean(1));
    ops.put("mean of all", (sd, x) -> x.mean());
    ops.put("norm2", (sd, x) -> x.norm2(1));
    ops.put("norm1", (sd, x) -> x.norm1(1));
    ops.put("normmax", (sd, x) -> x.normmax(1));
    ops.put("max", (sd, x) -> x.max(1));
    ops.put("max keeping dimensions", (sd, x) -> x.max(true, 1));
    ops.put("min", (sd, x) -> x.min(1));
    ops.put("prod", (sd, x) -> x.prod(1));
    ops.put("variance", (sd, x) -> sd.variance(x, true, 1));
    ops.put("variance, biased", (sd, x) -> sd.variance(x, false, true, 1));
    ops.put("std", (sd, x) -> x.std(false, 1));
    ops.put("squaredNorm", (sd, x) -> sd.squaredNorm(x, 1));
    ops.put("logSumExp", (sd, x) -> sd.math().logSumExp(x, 1));
    ops.put("entropy", (sd, x) -> sd.math().entropy(x, 1));
    ops.put("max of two axes", (sd, x) -> x.max(true, 1, 2));
    ops.forEach((name, op) -> add("reduce " + name, random(3, 4, 2).addi(0.5), op));
    add("standardize", random(3, 4), (sd, x) -> sd.math().standardize(x, 1));
    add(
        "cosineSimilarity",
        random(3, 4),
        (sd, x) -> sd.math().cosineSimilarity(x, sd.constant(random(3, 4).addi(1)), 1));
    add("dot", random(3, 4), (sd, x) -> sd.dot(x, sd.constant(random(3, 4).addi(1)), 1));
    add("cumsum", random(3, 5), (sd, x) -> sd.cumsum(x, true, true, 1));
    add("cumprod", random(3, 5), (sd, x) -> sd.cumprod(x, false, false, 1));
  }

  private void functions() {
    Map<String, BiFunction<SDMath, SDVariable, SDVariable>> ops = new LinkedHashMap<>();
    ops.put("exp", SDMath::exp);
    ops.put("log", SDMath::log);
    ops.put("sqrt", SDMath::sqrt);
    ops.put("rsqrt", SDMath::rsqrt);
    ops.put("square", SDMath::square);
    ops.put("cube", SDMath::cube);
    ops.put("abs", SDMath::abs);
    ops.put("sin", SDMath::sin);
    ops.put("cos", SDMath::cos);
    ops.put("tan", SDMath::tan);
    ops.put("asin", SDMath::asin);
    ops.put("acos", SDMath::acos);
    ops.put("atan", SDMath::atan);
    ops.put("sinh", SDMath::sinh);
    ops.put("cosh", SDMath::cosh);
    ops.put("tanh", SDMath::tanh);
    ops.put("asinh", SDMath::asinh);
    ops.put("atanh", SDMath::atanh);
    ops.put("erf", SDMath::erf);
    ops.put("erfc", SDMath::erfc);
    ops.put("log1p", SDMath::log1p);
    ops.put("expm1", SDMath::expm1);
    ops.put("reciprocal", SDMath::reciprocal);
    ops.put("neg", SDMath::neg);
    ops.put("sign", SDMath::sign);
    ops.put("floor", SDMath::floor);
    ops.put("round", SDMath::round);
    ops.put("clipByValue", (math, x) -> math.clipByValue(x, 0.45, 0.55));
    ops.put("clipByNorm", (math, x) -> math.clipByNorm(x, 0.7, 1));
    ops.forEach(
        (name, op) ->
            add(name, random(3, 4).muli(0.3).addi(0.5), (sd, x) -> op.apply(sd.math(), x)));
  }

  private void others() {
    pair(
        "mergeAdd",
        random(3, 4),
        random(3, 4).muli(-1.1),
        (sd, x, y) -> sd.math().mergeAdd(x, y, x));
    pair("mergeAvg", random(3, 4), random(3, 4).muli(-1.1), (sd, x, y) -> sd.math().mergeAvg(x, y));
    pair("mergeMax", random(3, 4), random(3, 4).muli(-1.1), (sd, x, y) -> sd.math().mergeMax(x, y));
  }
}
