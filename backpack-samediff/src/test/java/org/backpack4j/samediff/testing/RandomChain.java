package org.backpack4j.samediff.testing;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.backpack4j.samediff.internal.interpret.ReferenceInterpreter;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.enums.PadMode;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A random chain of ops that move or reduce entries, behind one parameter and before a loss. The
 * samples begin on axis 0 or 1, wander by permutations, and are folded with other axes at times.
 * The same seed gives the same graph.
 */
public final class RandomChain {
  private static final int SAMPLES = 3;
  private static final int LARGEST = 40;

  private final Random random;
  private final SameDiff sd = SameDiff.create();
  private final Map<String, INDArray> feeds = new LinkedHashMap<>();
  private final List<String> steps = new ArrayList<>();

  /** Where the samples came in. */
  private final int entrance;

  private SDVariable value;

  /** The current shape, −1 for the samples. */
  private long[] shape;

  public RandomChain(long seed) {
    random = new Random(seed);
    Nd4j.getRandom().setSeed(seed);
    entrance = random.nextInt(2);
    shape = entrance == 0 ? new long[] {-1, 2, 3} : new long[] {3, -1, 2};
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, shape.clone());
    feeds.put("x", array(concrete(SAMPLES)));
    SDVariable w = sd.var("w", array(concrete(1)));
    value = sd.math().tanh(x.mul(w));
    if (random.nextInt(3) == 0) {
      SettledValues settled = new SettledValues(sd, random);
      value = sd.math().tanh(x.mul(settled.meets(x, w)));
      steps.add("settled by shapes");
    }
    int length = 3 + random.nextInt(4);
    while (steps.size() < length) {
      step();
    }
    classify();
  }

  public SameDiff graph() {
    return sd;
  }

  public Map<String, INDArray> feeds() {
    return feeds;
  }

  public int entrance() {
    return entrance;
  }

  private long[] concrete(long samples) {
    return Arrays.stream(shape).map(d -> d < 0 ? samples : d).toArray();
  }

  private static INDArray array(long... dims) {
    return Nd4j.rand(DataType.DOUBLE, dims).muli(1.2).subi(0.5);
  }

  private int samples() {
    return IntStream.range(0, shape.length).filter(k -> shape[k] < 0).findFirst().orElseThrow();
  }

  /** An axis without samples; −1 if there is none. */
  private int axis() {
    int[] axes = IntStream.range(0, shape.length).filter(k -> shape[k] > 0).toArray();
    return axes.length == 0 ? -1 : axes[random.nextInt(axes.length)];
  }

  private long size() {
    return Arrays.stream(shape).filter(d -> d > 0).reduce(1, (a, b) -> a * b);
  }

  private void step() {
    int axis = axis();
    int which = random.nextInt(15);
    if (axis < 0) {
      appendAxis();
      return;
    }
    long extent = shape[axis];
    boolean small = size() * 2 <= LARGEST;
    switch (which) {
      case 0 -> set("reverse", sd.reverse(value, axis));
      case 1 -> permute();
      case 2 -> {
        if (small) {
          set("concat", sd.concat(axis, value, sd.math().square(value)));
        }
      }
      case 3 -> {
        if (small) {
          int[] repeats = new int[shape.length];
          Arrays.fill(repeats, 1);
          repeats[axis] = 2;
          set("tile", sd.tile(value, repeats));
        }
      }
      case 4 -> slice(axis, extent);
      case 5 -> {
        if (extent > 1) {
          strided(axis, extent);
        }
      }
      case 6 -> {
        if (extent > 1 && small) {
          pad(axis);
        }
      }
      case 7 -> {
        int[] indices = random.ints(1 + random.nextInt(3), 0, (int) extent).toArray();
        set("gather", sd.gather(value, indices, axis));
      }
      case 8 -> {
        if (small && shape.length < 4) {
          SDVariable other = sd.math().tanh(value.mul(2));
          set("stack", sd.stack(random.nextInt(shape.length + 1), value, other));
        }
      }
      case 9 -> {
        if (extent % 2 == 0) {
          SDVariable[] halves = sd.split(value, 2, axis);
          set("split", halves[0].sub(halves[1].mul(2)));
        }
      }
      case 10 -> set("cumsum", sd.cumsum(value, random.nextBoolean(), random.nextBoolean(), axis));
      case 11 -> {
        if (extent > 1) { // M2.1 fails to reduce a vector over an axis of extent one
          reduce(axis);
        }
      }
      case 12 -> unstack(axis, extent);
      case 13 -> fold();
      default -> set("tanh", sd.math().tanh(value.mul(1.5)));
    }
  }

  private void set(String step, SDVariable next) {
    steps.add(step);
    value = next;
    long[] two = shapeFor(next, 2);
    long[] three = shapeFor(next, 3);
    shape =
        IntStream.range(0, two.length).mapToLong(k -> two[k] == three[k] ? two[k] : -1).toArray();
  }

  private long[] shapeFor(SDVariable variable, int samples) {
    long[] x = feeds.get("x").shape().clone();
    x[entrance] = samples;
    return ReferenceInterpreter.run(
            sd, Map.of("x", Nd4j.zeros(DataType.DOUBLE, x)), List.of(variable.name()))
        .get(variable.name())
        .shape();
  }

  private void appendAxis() {
    set("expand", sd.expandDims(value, 1));
    set("tile", sd.tile(value, 1, 2));
  }

  private void permute() {
    List<Integer> order = new ArrayList<>(IntStream.range(0, shape.length).boxed().toList());
    java.util.Collections.shuffle(order, random);
    set("permute", sd.permute(value, order.stream().mapToInt(k -> k).toArray()));
  }

  private void slice(int axis, long extent) {
    int[] begin = new int[shape.length];
    int[] size = new int[shape.length];
    Arrays.fill(size, -1);
    begin[axis] = random.nextInt((int) extent);
    size[axis] = 1 + random.nextInt((int) extent - begin[axis]);
    set("slice", sd.slice(value, begin, size));
  }

  private void strided(int axis, long extent) {
    long[] begin = new long[shape.length];
    long[] end = new long[shape.length];
    long[] strides = new long[shape.length];
    Arrays.fill(strides, 1);
    Arrays.fill(end, 1);
    begin[axis] = random.nextInt(2);
    end[axis] = extent;
    strides[axis] = 2;
    int whole = (1 << shape.length) - 1 - (1 << axis);
    set("strided slice", sd.stridedSlice(value, begin, end, strides, whole, whole, 0, 0, 0));
  }

  private void pad(int axis) {
    int[][] widths = new int[shape.length][2];
    widths[axis] = new int[] {1, random.nextInt(2)};
    PadMode mode = PadMode.values()[random.nextInt(PadMode.values().length)];
    set("pad", sd.nn().pad(value, sd.constant(Nd4j.createFromArray(widths)), mode, 0.7));
  }

  private void reduce(int axis) {
    boolean keep = shape.length < 3 || random.nextBoolean();
    set(
        "reduce",
        switch (random.nextInt(6)) {
          case 0 -> sd.sum(value, keep, axis);
          case 1 -> sd.mean(value, keep, axis);
          case 2 -> sd.max(value, keep, axis);
          case 3 -> sd.squaredNorm(value, keep, axis);
          case 4 -> sd.math().norm1(value.add(3), keep, axis);
          default -> sd.prod(value.add(1), keep, axis);
        });
  }

  private void unstack(int axis, long extent) {
    if (shape.length > 2 && extent <= 3) {
      SDVariable[] parts = sd.unstack(value, axis, (int) extent);
      SDVariable sum = parts[0];
      for (int k = 1; k < parts.length; k++) {
        sum = sum.add(parts[k].mul(k + 1));
      }
      set("unstack", sum);
    }
  }

  /** Something happens to rows that hold the samples beside, or behind, another axis. */
  private void fold() {
    int at = samples();
    int other = at + 1 < shape.length ? at + 1 : at - 1;
    if (other < 0 || shape.length < 2) {
      return;
    }
    long[] before = shape.clone();
    List<Long> rows = new ArrayList<>();
    for (int k = 0; k < before.length; k++) {
      if (k != other) {
        rows.add(before[k]);
      }
    }
    rows.set(Math.min(at, other), -1L);
    set("fold", value.reshape(rows.stream().mapToLong(k -> k).toArray()));
    set("tanh", sd.math().tanh(value));
    if (shape.length > 1) {
      int axis = axis();
      set("reverse", sd.reverse(value, axis));
    }
    set("unfold", value.reshape(before));
  }

  private void classify() {
    int at = samples();
    int[] order =
        IntStream.concat(IntStream.of(at), IntStream.range(0, shape.length).filter(k -> k != at))
            .toArray();
    SDVariable first = shape.length > 1 ? sd.permute(value, order) : value;
    SDVariable z = first.reshape(-1, size()).mmul("z", sd.constant(array(size(), 3)));
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 3);
    sd.loss().softmaxCrossEntropy("loss", y, z, null);
    INDArray labels = Nd4j.zeros(DataType.DOUBLE, SAMPLES, 3);
    for (int n = 0; n < SAMPLES; n++) {
      labels.putScalar(n, random.nextInt(3), 1);
    }
    feeds.put("y", labels);
  }

  @Override
  public String toString() {
    return "samples on axis " + entrance + ", then " + String.join(", ", steps);
  }
}
