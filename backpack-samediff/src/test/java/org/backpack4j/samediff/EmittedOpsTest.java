package org.backpack4j.samediff;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaCodeUnitAccess;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;
import java.util.function.ToDoubleFunction;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.assertj.core.data.Offset;
import org.backpack4j.samediff.internal.execution.ExecutionOptions;
import org.backpack4j.samediff.internal.execution.PlannedGraph;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.ops.SDMath;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.controlflow.compat.StopGradient;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Every native op that this library emits, with each of its extents one, by SameDiff's session and
 * by the planned execution, against plain Java: M2.1 has ops that take a row for a vector.
 *
 * <p>What is emitted is read off the compiled classes: whoever calls a method of SameDiff's that
 * emits an op, and has no line here, makes {@link #everyEmittedOpIsTried} fail.
 */
class EmittedOpsTest {
  /** Extents by letter; n is the number of samples. */
  private static final Map<Character, Integer> EXTENTS =
      Map.of('n', 2, 'a', 3, 'b', 4, 'c', 2, 'd', 3);

  /** Numbers in 'c' order. */
  private record Grid(int[] shape, double[] numbers) {
    static Grid of(int[] shape, ToDoubleFunction<int[]> number) {
      double[] numbers = new double[Arrays.stream(shape).reduce(1, (x, y) -> x * y)];
      int[] at = new int[shape.length];
      for (int k = 0; k < numbers.length; k++) {
        numbers[k] = number.applyAsDouble(at);
        for (int axis = shape.length - 1; axis >= 0 && ++at[axis] == shape[axis]; axis--) {
          at[axis] = 0;
        }
      }
      return new Grid(shape, numbers);
    }

    double at(int... index) {
      int place = 0;
      for (int axis = 0; axis < shape.length; axis++) {
        place = place * shape[axis] + (shape[axis] == 1 ? 0 : index[axis]);
      }
      return numbers[place];
    }

    int rank() {
      return shape.length;
    }
  }

  /** Emits an op. */
  private interface Op {
    SDVariable of(Emitter e, Tensor... x);
  }

  /** What it should give. */
  private interface Expected {
    Grid of(Grid... x);
  }

  /**
   * A try.
   *
   * @param call the method that emits the op
   * @param inputs the inputs' shapes, an extent by a letter or by 1
   */
  private record Try(String call, List<String> inputs, Op op, Expected expected) {
    @Override
    public String toString() {
      return call + inputs;
    }
  }

  private static final List<Try> TRIES = new ArrayList<>();

  private static void put(String call, String inputs, Op op, Expected expected) {
    TRIES.add(new Try(call, List.of(inputs.split(" ")), op, expected));
  }

  // ---- the table

  /** Ops that are tried elsewhere, at these extents, as they are emitted: by the test named. */
  private static final Map<String, String> ELSEWHERE = new TreeMap<>();

  /** Methods that answer variables and emit nothing. */
  private static final Set<String> NO_OPS =
      Set.of(
          "BaseReduceOp.getDimensionVariable",
          "DifferentialFunction.args",
          "DifferentialFunction.outputVariables",
          "SDVariable.rename",
          "SameDiff.constant",
          "SameDiff.getVariable",
          "SameDiff.placeHolder",
          "Variable.getVariable");

  static {
    elementwise();
    binary();
    shapes();
    joints();
    sums();
    alongAnAxis();
    indices();
    ofSoftmax();
    for (String layer :
        List.of(
            "Conv2D.outputVariable",
            "Conv2DDerivative.outputVariables",
            "Conv3D.outputVariable",
            "DeConv2D.outputVariable",
            "DeConv3D.outputVariable",
            "DepthwiseConv2D.outputVariable",
            "Im2col.outputVariable")) {
      ELSEWHERE.put(layer, "LayerExtentsTest");
    }
    for (String call :
        List.of(
            "DifferentialFunction.doDiff",
            "SDVariable.prod",
            "SDVariable.shape",
            "SameDiff.range")) {
      ELSEWHERE.put(call, "OwnGradientsTest");
    }
    ELSEWHERE.put("SameDiff.segmentSum", "SegmentExtentsTest");
  }

  private static void unary(String call, Op op, DoubleUnaryOperator function) {
    for (String shape : List.of("nab", "na", "n", "ab", "a")) {
      put(call, shape, op, x -> Grid.of(x[0].shape(), at -> function.applyAsDouble(x[0].at(at))));
    }
  }

  private static void elementwise() {
    unary("SDMath.abs", (e, x) -> e.abs(x[0]).variable(), Math::abs);
    unary(
        "SDMath.clipByValue",
        (e, x) -> math(e).clipByValue(v(x), -0.1, 0.2),
        x -> Math.max(-0.1, Math.min(0.2, x)));
    unary("SDMath.cos", (e, x) -> math(e).cos(v(x)), Math::cos);
    unary("SDMath.cosh", (e, x) -> math(e).cosh(v(x)), Math::cosh);
    unary("SDMath.exp", (e, x) -> math(e).exp(v(x)), Math::exp);
    unary("SDMath.floor", (e, x) -> math(e).floor(v(x)), Math::floor);
    unary("SDMath.log", (e, x) -> math(e).log(math(e).abs(v(x))), x -> Math.log(Math.abs(x)));
    unary("SDMath.log1p", (e, x) -> math(e).log1p(v(x)), Math::log1p);
    unary("SDMath.reciprocal", (e, x) -> e.reciprocal(x[0]).variable(), x -> 1 / x);
    unary(
        "SDMath.rsqrt",
        (e, x) -> math(e).rsqrt(math(e).abs(v(x))),
        x -> 1 / Math.sqrt(Math.abs(x)));
    unary("SDMath.sign", (e, x) -> e.sign(x[0]).variable(), Math::signum);
    unary("SDMath.sin", (e, x) -> math(e).sin(v(x)), Math::sin);
    unary("SDMath.sinh", (e, x) -> math(e).sinh(v(x)), Math::sinh);
    unary("SDMath.sqrt", (e, x) -> e.sqrt(e.square(x[0])).variable(), Math::abs);
    unary("SDMath.step", (e, x) -> e.greater(x[0], 0.1).variable(), x -> x > 0.1 ? 1 : 0);
    unary("SDMath.tanh", (e, x) -> math(e).tanh(v(x)), Math::tanh);
    unary(
        "SDNN.hardSigmoid",
        (e, x) -> e.graph().nn().hardSigmoid(v(x)),
        x -> Math.max(0, Math.min(1, 0.2 * x + 0.5)));
    unary("SDNN.relu", (e, x) -> e.graph().nn().relu(v(x), 0), x -> Math.max(0, x));
    unary("SDNN.sigmoid", (e, x) -> e.graph().nn().sigmoid(v(x)), x -> 1 / (1 + Math.exp(-x)));
    unary("SDNN.softplus", (e, x) -> e.graph().nn().softplus(v(x)), x -> Math.log1p(Math.exp(x)));
    unary("SDNN.softsign", (e, x) -> e.graph().nn().softsign(v(x)), x -> x / (1 + Math.abs(x)));
    unary(
        "SDVariable.castTo",
        (e, x) -> e.cast(e.cast(x[0], DataType.FLOAT), DataType.DOUBLE).variable(),
        x -> (float) x);
    unary("SDVariable.mul", (e, x) -> e.scale(x[0], 3).variable(), x -> 3 * x);
    unary("SDVariable.add", (e, x) -> e.plus(x[0], 3).variable(), x -> x + 3);
    unary("SDVariable.rsub", (e, x) -> e.minus(3, x[0]).variable(), x -> 3 - x);
    unary("SameDiff.identity", (e, x) -> e.graph().identity(v(x)), x -> x);
  }

  private static SDMath math(Emitter e) {
    return e.graph().math();
  }

  private static SDVariable v(Tensor... x) {
    return x[0].variable();
  }

  private static void binary(String call, Op op, DoubleBinaryOperator function) {
    for (String shapes :
        List.of("nab nab", "nab n1b", "nab 1a1", "nab 11b", "na na", "na 1a", "na n1", "1a n1")) {
      put(
          call,
          shapes,
          op,
          x -> {
            int[] shape = new int[x[0].rank()];
            Arrays.setAll(shape, k -> Math.max(x[0].shape()[k], x[1].shape()[k]));
            return Grid.of(shape, at -> function.applyAsDouble(x[0].at(at), x[1].at(at)));
          });
    }
  }

  private static void binary() {
    binary("SDVariable.add", (e, x) -> e.add(x[0], x[1]).variable(), Double::sum);
    binary("SDVariable.sub", (e, x) -> e.sub(x[0], x[1]).variable(), (x, y) -> x - y);
    binary("SDVariable.mul", (e, x) -> e.mul(x[0], x[1]).variable(), (x, y) -> x * y);
    binary("SDMath.mul", (e, x) -> math(e).mul(v(x), x[1].variable()), (x, y) -> x * y);
    binary("SDVariable.div", (e, x) -> e.div(x[0], x[1]).variable(), (x, y) -> x / y);
    binary("SDMath.max", (e, x) -> e.max(x[0], x[1]).variable(), Math::max);
    binary(
        "SDMath.pow",
        (e, x) -> e.pow(e.abs(x[0]), x[1]).variable(),
        (x, y) -> Math.pow(Math.abs(x), y));
    binary(
        "SameDiff.eq",
        (e, x) -> e.equal(e.sign(x[0]), e.sign(x[1]), DataType.DOUBLE).variable(),
        (x, y) -> Math.signum(x) == Math.signum(y) ? 1 : 0);
    binary(
        "SameDiff.gt",
        (e, x) -> e.graph().gt(v(x), x[1].variable()).castTo(DataType.DOUBLE),
        (x, y) -> x > y ? 1 : 0);
    binary(
        "SDVariable.gt",
        (e, x) -> v(x).gt(x[1].variable()).castTo(DataType.DOUBLE),
        (x, y) -> x > y ? 1 : 0);
  }

  private static Grid permuted(Grid x, int... order) {
    int[] shape = new int[order.length];
    Arrays.setAll(shape, k -> x.shape()[order[k]]);
    return Grid.of(
        shape,
        at -> {
          int[] before = new int[order.length];
          for (int k = 0; k < order.length; k++) {
            before[order[k]] = at[k];
          }
          return x.at(before);
        });
  }

  private static void shapes() {
    for (int[] order : new int[][] {{1, 0, 2}, {2, 0, 1}, {0, 2, 1}}) {
      put(
          "SameDiff.permute",
          "nab",
          (e, x) -> e.permute(x[0], order).variable(),
          x -> permuted(x[0], order));
      put(
          "SameDiff.permute",
          "nab",
          (e, x) -> e.graph().permute(v(x), order),
          x -> permuted(x[0], order));
    }
    for (String shape : List.of("nab", "anb", "ab")) {
      Op flat = (e, x) -> e.reshape(x[0], Dims.of(x[0].dims().product(), Dim.ONE)).variable();
      Expected same = x -> new Grid(new int[] {x[0].numbers().length, 1}, x[0].numbers());
      put("SDVariable.reshape", shape, flat, same);
      put(
          "SameDiff.reshape",
          shape,
          (e, x) -> e.graph().reshape(v(x), e.graph().shape(v(x))),
          x -> x[0]);
      put(
          "SameDiff.shape",
          shape,
          (e, x) -> e.graph().shape(v(x)).castTo(DataType.DOUBLE),
          x ->
              new Grid(
                  new int[] {x[0].rank()}, Arrays.stream(x[0].shape()).asDoubleStream().toArray()));
    }
    put(
        "SameDiff.stridedSlice",
        "nab",
        (e, x) ->
            e.slice(x[0], 1, x[0].dims().get(1).size() - 1, x[0].dims().get(1).size()).variable(),
        x ->
            Grid.of(
                new int[] {x[0].shape()[0], 1, x[0].shape()[2]},
                at -> x[0].at(at[0], x[0].shape()[1] - 1, at[2])));
    put(
        "SameDiff.stridedSlice",
        "nb",
        (e, x) -> e.stridedSlice(x[0], 1, 0, 2, (x[0].dims().get(1).size() + 1) / 2).variable(),
        x ->
            Grid.of(
                new int[] {x[0].shape()[0], (x[0].shape()[1] + 1) / 2},
                at -> x[0].at(at[0], 2 * at[1])));
    put(
        "SDNN.pad",
        "nab",
        (e, x) -> e.pad(x[0], 1, 1, 2, 0.5).variable(),
        x ->
            Grid.of(
                new int[] {x[0].shape()[0], x[0].shape()[1] + 3, x[0].shape()[2]},
                at ->
                    at[1] < 1 || at[1] > x[0].shape()[1] ? 0.5 : x[0].at(at[0], at[1] - 1, at[2])));
    put(
        "SDNN.pad",
        "na",
        (e, x) -> e.pad(x[0], 1, 0, 1).variable(),
        x ->
            Grid.of(
                new int[] {x[0].shape()[0], x[0].shape()[1] + 1},
                at -> at[1] == x[0].shape()[1] ? 0 : x[0].at(at)));
    Expected ones = x -> Grid.of(new int[] {x[0].shape()[0]}, at -> 1);
    for (String call : List.of("SameDiff.sizeAt", "SameDiff.fill", "SameDiff.stack")) {
      put(call, "na", (e, x) -> e.onesOverSamples(DataType.DOUBLE).variable(), ones);
    }
  }

  private static void joints() {
    for (int axis = 1; axis <= 2; axis++) {
      int along = axis;
      put(
          "SameDiff.concat",
          axis == 1 ? "nab ncb" : "nab nad",
          (e, x) -> e.concat(along, List.of(x)).variable(),
          x -> {
            int[] shape = x[0].shape().clone();
            shape[along] += x[1].shape()[along];
            return Grid.of(
                shape,
                at -> {
                  int[] second = at.clone();
                  second[along] -= x[0].shape()[along];
                  return second[along] < 0 ? x[0].at(at) : x[1].at(second);
                });
          });
    }
    for (int axis = 0; axis <= 2; axis++) {
      int along = axis;
      put(
          "SameDiff.stack",
          "na na",
          (e, x) -> e.graph().stack(along, x[0].variable(), x[1].variable()),
          x -> {
            List<Integer> shape = new ArrayList<>(List.of(x[0].shape()[0], x[0].shape()[1]));
            shape.add(along, 2);
            return Grid.of(
                shape.stream().mapToInt(k -> k).toArray(),
                at ->
                    x[at[along]].at(
                        IntStream.range(0, 3).filter(k -> k != along).map(k -> at[k]).toArray()));
          });
    }
    put(
        "SameDiff.unstack",
        "nab",
        (e, x) -> last(e.graph().unstack(v(x), 1, (int) x[0].dims().get(1).size())),
        x ->
            Grid.of(
                new int[] {x[0].shape()[0], x[0].shape()[2]},
                at -> x[0].at(at[0], x[0].shape()[1] - 1, at[1])));
    put(
        "SameDiff.split",
        "nb",
        (e, x) -> last(e.graph().split(v(x), (int) x[0].dims().get(1).size(), 1)),
        x -> Grid.of(new int[] {x[0].shape()[0], 1}, at -> x[0].at(at[0], x[0].shape()[1] - 1)));
  }

  private static SDVariable last(SDVariable... parts) {
    return parts[parts.length - 1];
  }

  /** The sum over axes. */
  private static Grid summed(Grid x, Set<Integer> axes, boolean keep) {
    int[] kept = new int[x.rank()];
    Arrays.setAll(kept, k -> axes.contains(k) ? 1 : x.shape()[k]);
    double[] numbers = new double[Arrays.stream(kept).reduce(1, (a, b) -> a * b)];
    Grid.of(
        x.shape(),
        at -> {
          int place = 0;
          for (int k = 0; k < kept.length; k++) {
            place = place * kept[k] + (axes.contains(k) ? 0 : at[k]);
          }
          numbers[place] += x.at(at);
          return 0;
        });
    int[] shape =
        keep
            ? kept
            : IntStream.range(0, x.rank())
                .filter(k -> !axes.contains(k))
                .map(k -> kept[k])
                .toArray();
    return new Grid(shape, numbers);
  }

  private static void sums() {
    for (int from = 0; from < 4; from++) {
      for (int to = from + 1; to <= 4; to++) {
        int first = from;
        int behind = to;
        Set<Integer> axes = new LinkedHashSet<>();
        IntStream.range(from, to).forEach(axes::add);
        for (String shape : List.of("nabc", "anbc")) {
          put(
              "SDVariable.sum",
              shape,
              (e, x) -> e.sum(x[0], first, behind).variable(),
              x -> summed(x[0], axes, false));
        }
      }
    }
    put(
        "SDVariable.mean",
        "nab",
        (e, x) -> v(x).mean(true, 1, 2),
        x -> {
          double count = x[0].shape()[1] * x[0].shape()[2];
          Grid sum = summed(x[0], Set.of(1, 2), true);
          return Grid.of(sum.shape(), at -> sum.at(at) / count);
        });
    for (boolean left : new boolean[] {false, true}) {
      for (boolean right : new boolean[] {false, true}) {
        for (String lead : List.of("", "d", "dc", "n")) {
          String a = (lead.contains("n") ? "a" : "n");
          String first = lead + (left ? "b" + a : a + "b");
          String second = lead + (right ? "cb" : "bc");
          matmul(first + " " + second, left, right);
        }
      }
    }
    matmul("na nb", true, false); // over the samples
    matmul("an nb", false, false);
    matmul("an bn", false, true);
  }

  private static void matmul(String shapes, boolean left, boolean right) {
    put(
        "SameDiff.mmul",
        shapes,
        (e, x) -> e.matmul(x[0], left, x[1], right).variable(),
        x -> {
          int r = x[0].rank();
          int inner = x[0].shape()[left ? r - 2 : r - 1];
          int[] shape = x[0].shape().clone();
          shape[r - 2] = x[0].shape()[left ? r - 1 : r - 2];
          shape[r - 1] = x[1].shape()[right ? r - 2 : r - 1];
          return Grid.of(
              shape,
              at -> {
                int[] a = at.clone();
                int[] b = at.clone();
                double sum = 0;
                for (int k = 0; k < inner; k++) {
                  a[r - 2] = left ? k : at[r - 2];
                  a[r - 1] = left ? at[r - 2] : k;
                  b[r - 2] = right ? at[r - 1] : k;
                  b[r - 1] = right ? k : at[r - 1];
                  sum += x[0].at(a) * x[1].at(b);
                }
                return sum;
              });
        });
  }

  /** Each row along an axis by a function of the row. */
  private static Grid along(Grid x, int axis, UnaryOperator<double[]> function) {
    return Grid.of(
        x.shape(),
        at -> {
          double[] row = new double[x.shape()[axis]];
          int[] there = at.clone();
          for (int k = 0; k < row.length; k++) {
            there[axis] = k;
            row[k] = x.at(there);
          }
          return function.apply(row)[at[axis]];
        });
  }

  private static double[] softmax(double... row) {
    double sum = Arrays.stream(row).map(Math::exp).sum();
    return Arrays.stream(row).map(x -> Math.exp(x) / sum).toArray();
  }

  private static double[] cumulated(
      double[] row, boolean product, boolean exclusive, boolean reverse) {
    double[] result = new double[row.length];
    double so = product ? 1 : 0;
    for (int k = 0; k < row.length; k++) {
      int j = reverse ? row.length - 1 - k : k;
      double next = product ? so * row[j] : so + row[j];
      result[j] = exclusive ? so : next;
      so = next;
    }
    return result;
  }

  private static void alongAnAxis() {
    for (String shape : List.of("nab", "na")) {
      int last = shape.length() - 1;
      put(
          "SDNN.softmax",
          shape,
          (e, x) -> e.graph().nn().softmax(v(x), last),
          x -> along(x[0], last, EmittedOpsTest::softmax));
      put(
          "SDNN.logSoftmax",
          shape,
          (e, x) -> e.graph().nn().logSoftmax(v(x)),
          x -> along(x[0], last, row -> Arrays.stream(softmax(row)).map(Math::log).toArray()));
    }
    put(
        "SDNN.softmax",
        "nab",
        (e, x) -> e.graph().nn().softmax(v(x), 1),
        x -> along(x[0], 1, EmittedOpsTest::softmax));
    put(
        "SDMath.standardize",
        "nabc",
        (e, x) -> math(e).standardize(v(x), 2),
        x ->
            along(
                x[0],
                2,
                row -> {
                  double mean = Arrays.stream(row).average().orElseThrow();
                  double deviation =
                      Math.sqrt(
                          Arrays.stream(row)
                              .map(k -> (k - mean) * (k - mean))
                              .average()
                              .orElseThrow());
                  return Arrays.stream(row)
                      .map(k -> deviation == 0 ? 0 : (k - mean) / deviation)
                      .toArray();
                }));
    for (boolean exclusive : new boolean[] {false, true}) {
      for (boolean reverse : new boolean[] {false, true}) {
        put(
            "SameDiff.cumsum",
            "nab",
            (e, x) -> e.graph().cumsum(v(x), exclusive, reverse, 2),
            x -> along(x[0], 2, row -> cumulated(row, false, exclusive, reverse)));
        put(
            "SameDiff.cumprod",
            "nab",
            (e, x) -> e.graph().cumprod(v(x), exclusive, reverse, 2),
            x -> along(x[0], 2, row -> cumulated(row, true, exclusive, reverse)));
        put(
            "SameDiff.cumprod",
            "nabc",
            (e, x) -> e.graph().cumprod(v(x), exclusive, reverse, 3),
            x -> along(x[0], 3, row -> cumulated(row, true, exclusive, reverse)));
      }
    }
    for (int axis = 1; axis <= 2; axis++) {
      int k = axis;
      put(
          "SameDiff.reverse",
          "nab",
          (e, x) -> e.graph().reverse(v(x), k),
          x ->
              along(
                  x[0],
                  k,
                  row ->
                      IntStream.range(0, row.length)
                          .mapToDouble(i -> row[row.length - 1 - i])
                          .toArray()));
    }
    put(
        "SDMath.cross",
        "n3 n3",
        (e, x) -> math(e).cross(x[0].variable(), x[1].variable()),
        x ->
            Grid.of(
                x[0].shape(),
                at -> {
                  int i = (at[1] + 1) % 3;
                  int j = (at[1] + 2) % 3;
                  return x[0].at(at[0], i) * x[1].at(at[0], j)
                      - x[0].at(at[0], j) * x[1].at(at[0], i);
                }));
    put(
        "SDMath.matrixInverse",
        "n11",
        (e, x) -> math(e).matrixInverse(v(x)),
        x -> Grid.of(x[0].shape(), at -> 1 / x[0].at(at)));
    put(
        "SDMath.matrixInverse",
        "n22",
        (e, x) -> math(e).matrixInverse(v(x)),
        x ->
            Grid.of(
                x[0].shape(),
                at -> {
                  double det =
                      x[0].at(at[0], 0, 0) * x[0].at(at[0], 1, 1)
                          - x[0].at(at[0], 0, 1) * x[0].at(at[0], 1, 0);
                  return (at[1] == at[2] ? x[0].at(at[0], 1 - at[1], 1 - at[2]) : -x[0].at(at))
                      / det;
                }));
  }

  private static int largest(Grid x, int n, int a) {
    int best = 0;
    for (int k = 1; k < x.shape()[2]; k++) {
      best = x.at(n, a, k) > x.at(n, a, best) ? k : best;
    }
    return best;
  }

  private static void ofSoftmax() {
    put(
        "SDVariable.max",
        "nab",
        (e, x) -> e.largest(x[0], 2).variable(),
        x ->
            Grid.of(
                new int[] {x[0].shape()[0], x[0].shape()[1], 1},
                at -> x[0].at(at[0], at[1], largest(x[0], at[0], at[1]))));
    put(
        "StopGradient.outputVariable",
        "nab",
        (e, x) -> new StopGradient(e.graph(), v(x)).outputVariable(),
        x -> x[0]);
  }

  private static void indices() {
    put(
        "SameDiff.argmax",
        "nab",
        (e, x) -> e.graph().argmax(v(x), 2).castTo(DataType.DOUBLE),
        x ->
            Grid.of(
                new int[] {x[0].shape()[0], x[0].shape()[1]}, at -> largest(x[0], at[0], at[1])));
    put(
        "SameDiff.oneHot",
        "nab",
        (e, x) ->
            e.graph()
                .oneHot(
                    e.graph().argmax(v(x), 2),
                    (int) x[0].dims().get(2).size(),
                    2,
                    1,
                    0,
                    DataType.DOUBLE),
        x -> Grid.of(x[0].shape(), at -> largest(x[0], at[0], at[1]) == at[2] ? 1 : 0));
    for (int axis = 0; axis <= 2; axis++) {
      int along = axis;
      for (int[] places : new int[][] {{0}, {0, 0, 0}}) {
        put(
            "SameDiff.gather",
            "nab",
            (e, x) ->
                e.graph().gather(v(x), e.graph().constant(Nd4j.createFromArray(places)), along),
            x -> {
              int[] shape = x[0].shape().clone();
              shape[along] = places.length;
              return Grid.of(
                  shape,
                  at -> {
                    int[] there = at.clone();
                    there[along] = 0;
                    return x[0].at(there);
                  });
            });
      }
    }
    for (String shape : List.of("na", "ab", "n1", "a1")) {
      put(
          "SameDiff.unsortedSegmentSum",
          shape,
          (e, x) ->
              e.sumByIndex(
                      x[0],
                      e.wrap(e.graph().constant(ids(v(x))), Dims.of(x[0].dims().get(0)), false),
                      4)
                  .variable(),
          x -> {
            Grid sum = summed(x[0], Set.of(0), true);
            return Grid.of(new int[] {4, x[0].shape()[1]}, at -> at[0] == 2 ? sum.at(0, at[1]) : 0);
          });
    }
  }

  /** Twos, one for each row. */
  private static INDArray ids(SDVariable rows) {
    return Nd4j.zeros(DataType.INT32, rows.getSameDiff().getVariable("rows").getArr().size(0))
        .addi(2);
  }

  // ---- running them

  static List<Try> tries() {
    return TRIES;
  }

  /** All letters as they are, each one alone as one, all but one as ones, all as ones. */
  private static List<Map<Character, Integer>> extents(Try a) {
    Set<Character> letters = new TreeSet<>();
    a.inputs()
        .forEach(s -> s.chars().filter(Character::isLetter).forEach(c -> letters.add((char) c)));
    Set<Map<Character, Integer>> all = new LinkedHashSet<>();
    for (Set<Character> ones : subsets(letters)) {
      Map<Character, Integer> extents = new TreeMap<>();
      letters.forEach(c -> extents.put(c, ones.contains(c) ? 1 : EXTENTS.get(c)));
      all.add(extents);
    }
    return List.copyOf(all);
  }

  private static List<Set<Character>> subsets(Set<Character> letters) {
    List<Set<Character>> all = new ArrayList<>(List.of(Set.of(), letters));
    for (char c : letters) {
      all.add(Set.of(c));
      Set<Character> others = new TreeSet<>(letters);
      others.remove(c);
      all.add(others);
    }
    return all;
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("tries")
  void isRightWhereExtentsAreOne(Try a) {
    for (Map<Character, Integer> extents : extents(a)) {
      run(a, extents);
    }
  }

  private static void run(Try a, Map<Character, Integer> extents) {
    SameDiff sd = SameDiff.create();
    Map<String, INDArray> feeds = new LinkedHashMap<>();
    List<Grid> grids = new ArrayList<>();
    List<Tensor> tensors = new ArrayList<>();
    long samples = extents.getOrDefault('n', 2);
    sd.placeHolder("samples", DataType.DOUBLE, -1, 1);
    feeds.put("samples", Nd4j.zeros(DataType.DOUBLE, samples, 1));
    Emitter emit = new Emitter(sd, "samples", 0, 1);
    Random random = new Random(7);
    for (int k = 0; k < a.inputs().size(); k++) {
      List<Dim> dims = new ArrayList<>();
      List<Integer> shape = new ArrayList<>();
      for (char c : a.inputs().get(k).toCharArray()) {
        int extent = Character.isDigit(c) ? c - '0' : extents.get(c);
        shape.add(extent);
        dims.add(c == 'n' ? Dim.N : Dim.of(extent));
      }
      int[] full = shape.stream().mapToInt(s -> s).toArray();
      Grid grid = Grid.of(full, at -> random.nextDouble() - 0.4);
      grids.add(grid);
      Dims all = new Dims(dims);
      SDVariable x = sd.placeHolder("x" + k, DataType.DOUBLE, all.toLongs());
      feeds.put("x" + k, Nd4j.createFromArray(grid.numbers()).reshape(longs(full)));
      tensors.add(emit.wrap(x, all, true));
    }
    sd.constant("rows", Nd4j.zeros(DataType.DOUBLE, grids.get(0).shape()[0], 1));
    SDVariable result = a.op().of(emit, tensors.toArray(new Tensor[0]));
    Grid expected = a.expected().of(grids.toArray(new Grid[0]));
    if (!feeds.containsKey(result.name())) { // where nothing is to be done, nothing is emitted
      String name = result.name();
      same(a + " " + extents + ", session", expected, sd.output(feeds, name).get(name));
      try (PlannedGraph planned = new PlannedGraph(sd, ExecutionOptions.defaults())) {
        same(
            a + " " + extents + ", planned",
            expected,
            planned.output(feeds, List.of(name)).get(name));
      }
    }
  }

  private static long[] longs(int... shape) {
    return Arrays.stream(shape).asLongStream().toArray();
  }

  private static void same(String what, Grid expected, INDArray actual) {
    assertThat(actual.shape()).as(what).isEqualTo(longs(expected.shape()));
    double[] numbers = actual.dup('c').reshape(actual.length()).toDoubleVector();
    for (int k = 0; k < numbers.length; k++) {
      assertThat(numbers[k])
          .as(what + ", entry " + k)
          .isCloseTo(expected.numbers()[k], Offset.offset(1e-8));
    }
  }

  // ---- what is emitted

  private static final Set<String> EMITTING =
      Set.of(SDVariable.class.getName(), SDVariable[].class.getName());

  private static Set<String> emitted() {
    Set<String> calls = new TreeSet<>();
    for (JavaClass type :
        new ClassFileImporter()
            .withImportOption(new DoNotIncludeTests())
            .importPackages("org.backpack4j.samediff")) {
      for (JavaCodeUnitAccess<?> call : type.getCodeUnitAccessesFromSelf()) {
        JavaClass owner = call.getTargetOwner();
        boolean emits =
            EMITTING.contains(call.getTarget().getRawReturnType().getName())
                || call.getName().equals("doDiff");
        if (emits && owner.getPackageName().startsWith("org.nd4j")) {
          calls.add(owner.getSimpleName() + "." + call.getName());
        }
      }
    }
    return calls;
  }

  @Test
  void everyEmittedOpIsTried() {
    Set<String> tried = new TreeSet<>(ELSEWHERE.keySet());
    TRIES.forEach(a -> tried.add(a.call()));
    tried.addAll(NO_OPS);
    assertThat(emitted()).isSubsetOf(tried).contains("SameDiff.mmul", "SDVariable.sum");
  }
}
