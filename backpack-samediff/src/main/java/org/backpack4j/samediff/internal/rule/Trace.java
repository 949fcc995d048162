package org.backpack4j.samediff.internal.rule;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.backpack4j.samediff.internal.autodiff.BatchAxes;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.interpret.OpExecution;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.internal.nd4j.VariableLookup;
import org.backpack4j.samediff.internal.shape.GraphShapes;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.UnsupportedOpException;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * What an op does that only moves entries, found by running it on numbered entries: for each entry
 * of its results the entry that it came from. That shows where the samples went, too, whatever the
 * op's arguments mean: for two and for three samples, every entry must come from its own sample,
 * and from the same place in each.
 */
final class Trace {
  /** The largest array that is numbered. */
  private static final long LARGEST = 1 << 24;

  private static final long SHORT = 1024;

  /** What an output is made of. */
  record Output(BatchAxis batchAxis, List<Movement> movements) {}

  private final NodeContext context;
  private final int[] data;
  private final Numbered few;
  private final Numbered more;

  private Trace(NodeContext context, int[] data) {
    this.context = context;
    this.data = data;
    this.few = new Numbered(GraphShapes.FEW);
    this.more = new Numbered(GraphShapes.MORE);
  }

  /**
   * Follows all outputs.
   *
   * @param context the node
   * @param data the inputs whose entries are moved
   * @return for each output where its samples are, and for each input the movement of one sample's
   *     part; no movements where samples are mixed
   * @throws UnsupportedOpException if the op does more than moving entries, or depends on data in
   *     doing so
   */
  static List<Output> of(NodeContext context, int[] data) {
    Trace trace = new Trace(context, data);
    return IntStream.range(0, context.node().outputs().size()).mapToObj(trace::output).toList();
  }

  private Output output(int output) {
    Dims dims = context.outputDims(output);
    int axis = dims.sampleAxis();
    if (axis < 0) {
      return withoutSamples(output);
    }
    long size = dims.get(axis).size();
    long behind = dims.from(axis + 1).product().size();
    boolean apart = false;
    for (long inner : inners(size)) {
      Whole three = more.part(output, (int) (behind * inner));
      if (!three.apart || !few.part(output, (int) (behind * inner)).apart) {
        continue;
      }
      apart = true;
      Whole two = few.part(output, (int) (behind * inner));
      if (three.uniform && two.uniform && Arrays.equals(three.entry, two.entry)) {
        return new Output(
            BatchAxis.samples(axis, size / inner, inner), three.movements(this::partSize));
      }
    }
    String op = context.node().op();
    String reason =
        apart ? op + " treats samples differently" : op + " moves entries from sample to sample";
    return new Output(BatchAxes.byShape(context, output).coupling(reason), List.of());
  }

  /** How many entries of one sample may stand beside each other: as for an input, or any. */
  private List<Long> inners(long size) {
    List<Long> inners = new ArrayList<>();
    for (int k : data) {
      if (context.batchAxis(k).hasSamples()) {
        inners.add(context.batchAxis(k).inner());
      }
    }
    for (long inner = size; inner >= 1; inner--) {
      inners.add(inner);
    }
    return inners.stream().distinct().filter(i -> size % i == 0).toList();
  }

  private Output withoutSamples(int output) {
    BatchAxis without = BatchAxes.withoutAxis(context);
    Whole three = more.whole(output);
    boolean fromSamples =
        Arrays.stream(data)
            .anyMatch(k -> context.batchAxis(k).hasSamples() && three.movement(k, 1).reads());
    if (fromSamples) {
      return new Output(
          BatchAxis.reduced(context.node().op() + " picks out single samples"), List.of());
    }
    Whole two = few.whole(output);
    if (!Arrays.equals(three.entry, two.entry)) {
      throw new UnsupportedOpException(
          "what it moves depends on the number of samples", "give it a fixed shape or axis");
    }
    return new Output(without, three.movements(this::partSize));
  }

  /** An unstacked series is many short arrays, of which a native cast takes longer than reading. */
  private static double[] numbers(INDArray array) {
    return !array.isEmpty() && !array.isView() && array.length() <= SHORT
        ? array.data().asDouble()
        : array.castTo(DataType.DOUBLE).dup('c').data().asDouble();
  }

  private int partSize(int input) {
    return (int) context.perSample(input).product().size();
  }

  /** One output, or one sample's part of it: for each entry which input it came from, and where. */
  private final class Whole {
    private final int[] input;
    private final int[] entry;
    private boolean apart = true;
    private boolean uniform = true;

    Whole(int length) {
      input = new int[length];
      entry = new int[length];
      Arrays.fill(entry, -2);
    }

    void note(int position, int from, int there) {
      if (entry[position] == -2) {
        input[position] = from;
        entry[position] = there;
      } else {
        uniform &= input[position] == from && entry[position] == there;
      }
    }

    Movement movement(int from, int size) {
      int[] source =
          IntStream.range(0, entry.length).map(j -> input[j] == from ? entry[j] : -1).toArray();
      int largest = Arrays.stream(source).max().orElse(-1);
      return new Movement(source, Math.max(size, largest + 1));
    }

    List<Movement> movements(java.util.function.IntUnaryOperator size) {
      return IntStream.range(0, context.inputs())
          .mapToObj(k -> movement(k, size.applyAsInt(k)))
          .toList();
    }
  }

  /** The op's results for a number of samples, each entry the number of the entry it came from. */
  private final class Numbered {
    private final int samples;
    private final int[] first = new int[data.length + 1];
    private final List<int[]> origins = new ArrayList<>();

    Numbered(int samples) {
      this.samples = samples;
      for (int k = 0; k < data.length; k++) {
        long length = count(context.dims(data[k]));
        if (first[k] + length > LARGEST) {
          throw new UnsupportedOpException(
              "it moves too many entries to be followed (" + length + ")",
              "use reshape, permute or an op with a rule");
        }
        first[k + 1] = first[k] + (int) length;
      }
      number();
    }

    private long count(Dims dims) {
      Dim product = dims.product();
      return product.samples() ? product.size() * samples : product.size();
    }

    private void number() {
      int total = first[data.length];
      int base = base();
      List<double[]> zeros = run(i -> 0);
      List<double[]> ones = run(i -> 1);
      for (int o = 0; o < zeros.size(); o++) {
        int[] origin = new int[zeros.get(o).length];
        for (int j = 0; j < origin.length; j++) {
          double step = ones.get(o)[j] - zeros.get(o)[j];
          if (step != 0 && (step != 1 || zeros.get(o)[j] != 0)) {
            throw new UnsupportedOpException(
                context.node().op() + " does more than moving entries here", "use another op");
          }
          origin[j] = step == 0 ? -1 : 0;
        }
        origins.add(origin);
      }
      for (long weight = 1; weight < total; weight *= base) {
        long w = weight;
        List<double[]> digits = run(i -> (int) (i / w % base));
        for (int o = 0; o < digits.size(); o++) {
          int[] origin = origins.get(o);
          for (int j = 0; j < origin.length; j++) {
            origin[j] += origin[j] < 0 ? 0 : (int) (digits.get(o)[j] * w);
          }
        }
      }
    }

    /** Numbers up to this are exact in every input's data type. */
    private int base() {
      return Arrays.stream(data)
          .map(
              k ->
                  switch (context.type(k)) {
                    case BOOL -> 2;
                    case BYTE, UBYTE, BFLOAT16 -> 64;
                    case HALF -> 1024;
                    default -> 4096;
                  })
          .min()
          .orElse(2);
    }

    private List<double[]> run(java.util.function.IntUnaryOperator number) {
      List<INDArray> inputs = new ArrayList<>();
      for (int k = 0; k < context.inputs(); k++) {
        int input = k;
        int at =
            IntStream.range(0, data.length).filter(d -> data[d] == input).findFirst().orElse(-1);
        inputs.add(at >= 0 ? numbered(at, number) : settled(k));
      }
      SameDiff graph = context.emit().graph();
      return OpExecution.run(graph, VariableLookup.op(graph, context.node().name()), inputs)
          .stream()
          .map(Trace::numbers)
          .toList();
    }

    private INDArray numbered(int at, java.util.function.IntUnaryOperator number) {
      double[] values =
          IntStream.range(first[at], first[at + 1]).mapToDouble(number::applyAsInt).toArray();
      long[] shape =
          context.dims(data[at]).list().stream()
              .mapToLong(d -> d.samples() ? d.size() * samples : d.size())
              .toArray();
      return Nd4j.create(values, shape, 'c').castTo(context.type(data[at]));
    }

    private INDArray settled(int input) {
      @Nullable INDArray value = context.settled(input, samples);
      if (value == null) {
        throw new UnsupportedOpException(
            "\""
                + context.node().inputs().get(input)
                + "\", which says what is moved, depends on data",
            "give it as a constant");
      }
      return value.isEmpty() ? value : value.dup('c');
    }

    /** The output as one, entries of inputs counted through all samples. */
    Whole whole(int output) {
      int[] origin = origins.get(output);
      Whole whole = new Whole(origin.length);
      for (int j = 0; j < origin.length; j++) {
        int at = at(origin[j]);
        whole.note(j, at < 0 ? -1 : data[at], at < 0 ? -1 : origin[j] - first[at]);
      }
      return whole;
    }

    /**
     * One sample's part, if all samples are alike.
     *
     * @param weight how many entries of a sample stand beside each other
     */
    Whole part(int output, int weight) {
      int[] origin = origins.get(output);
      Whole part = new Whole(origin.length / samples);
      for (int j = 0; j < origin.length; j++) {
        int at = at(origin[j]);
        int there = at < 0 ? -1 : origin[j] - first[at];
        int sample = sample(j, weight);
        if (at >= 0 && context.batchAxis(data[at]).hasSamples()) {
          int inputWeight = inputWeight(data[at]);
          part.apart &= sample(there, inputWeight) == sample;
          there = within(there, inputWeight);
        }
        part.note(within(j, weight), at < 0 ? -1 : data[at], there);
      }
      return part;
    }

    private int at(int origin) {
      for (int k = 0; k < data.length; k++) {
        if (origin >= first[k] && origin < first[k + 1]) {
          return k;
        }
      }
      return -1;
    }

    private int sample(int position, int weight) {
      return position / weight % samples;
    }

    private int within(int position, int weight) {
      return position / (weight * samples) * weight + position % weight;
    }
  }

  private int inputWeight(int input) {
    BatchAxis place = context.batchAxis(input);
    return (int) (context.dims(input).from(place.axis() + 1).product().size() * place.inner());
  }
}
