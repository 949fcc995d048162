package org.backpack4j.samediff.internal.interpret;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.PaddingMode;

/**
 * How the windows of a convolution, a transposed convolution or a pooling slide over the axes of
 * their input, as an op's integer arguments and its inputs' shapes say.
 *
 * @param axes the spatial axes, in order
 * @param channelsLast whether the channels stand behind them
 * @param weightsFormat ND4J's number of the weights' layout: kernel first (0), channels first (1),
 *     or the kernel in the middle (2)
 * @param transposed whether the op is a transposed convolution
 */
public record SlidingWindows(
    List<Axis> axes, boolean channelsLast, int weightsFormat, boolean transposed) {

  /**
   * One spatial axis.
   *
   * @param in the input's extent
   * @param kernel how many taps
   * @param stride the step from one window to the next
   * @param padding the padding given, where the mode is VALID
   * @param dilation the step from one tap to the next
   * @param mode how the padding is worked out
   */
  public record Axis(
      long in, long kernel, long stride, long padding, long dilation, PaddingMode mode) {
    /**
     * The extent that one window covers.
     *
     * @return the extent
     */
    public long span() {
      return (kernel - 1) * dilation + 1;
    }
  }

  private enum Kind {
    CONVOLUTION,
    TRANSPOSED,
    POOLING
  }

  private record Op(Kind kind, int axes) {}

  private static final Map<String, Op> OPS =
      Map.ofEntries(
          Map.entry("avgpool2d", new Op(Kind.POOLING, 2)),
          Map.entry("avgpool3dnew", new Op(Kind.POOLING, 3)),
          Map.entry("conv1d", new Op(Kind.CONVOLUTION, 1)),
          Map.entry("conv2d", new Op(Kind.CONVOLUTION, 2)),
          Map.entry("conv3dnew", new Op(Kind.CONVOLUTION, 3)),
          Map.entry("deconv2d", new Op(Kind.TRANSPOSED, 2)),
          Map.entry("deconv3d", new Op(Kind.TRANSPOSED, 3)),
          Map.entry("depthwise_conv2d", new Op(Kind.CONVOLUTION, 2)),
          Map.entry("maxpool2d", new Op(Kind.POOLING, 2)),
          Map.entry("maxpool3dnew", new Op(Kind.POOLING, 3)),
          Map.entry("pnormpool2d", new Op(Kind.POOLING, 2)),
          Map.entry("sconv2d", new Op(Kind.CONVOLUTION, 2)));

  /**
   * Reads an op's arguments.
   *
   * @param name ND4J's name of the op
   * @param arguments its integer arguments
   * @param input the shape of its input
   * @param weights the shape of its weights; empty for a pooling
   * @return how its windows slide; null for another op, or where rank or arguments do not fit
   */
  public static @Nullable SlidingWindows of(
      String name, long[] arguments, long[] input, long[] weights) {
    Op op = OPS.get(name);
    if (op == null || input.length != op.axes + 2 || arguments.length <= 4 * op.axes) {
      return null;
    }
    boolean pooling = op.kind == Kind.POOLING;
    if (!pooling && weights.length != op.axes + 2) {
      return null;
    }
    int n = op.axes;
    int at = 4 * n + (pooling ? 2 : 1);
    boolean last = argument(arguments, at) == 1;
    int format = pooling ? 0 : (int) argument(arguments, at + 1);
    PaddingMode mode = PaddingMode.fromNumber((int) arguments[4 * n]);
    int kernelAt = format == 0 ? 0 : format == 1 ? 2 : 1;
    List<Axis> axes = new ArrayList<>();
    for (int k = 0; k < n; k++) {
      axes.add(
          new Axis(
              input[k + (last ? 1 : 2)],
              pooling ? arguments[k] : weights[k + kernelAt],
              arguments[n + k],
              mode == PaddingMode.VALID ? arguments[2 * n + k] : 0,
              arguments[3 * n + k],
              mode));
    }
    return new SlidingWindows(List.copyOf(axes), last, format, op.kind == Kind.TRANSPOSED);
  }

  private static long argument(long[] arguments, int index) {
    return index < arguments.length ? arguments[index] : 0;
  }

  /**
   * Refuses windows that find no place, before anything native runs: M2.1 ends the process by a
   * division by zero on some of them.
   *
   * @param what what the op is called in the message
   * @param name ND4J's name of the op
   * @param arguments its integer arguments
   * @param shapes its inputs' shapes
   * @throws NoWindowException if the op's result would be empty, or not even that
   */
  static void check(String what, String name, long[] arguments, List<long[]> shapes) {
    if (!OPS.containsKey(name) || shapes.isEmpty()) {
      return;
    }
    SlidingWindows sliding =
        of(name, arguments, shapes.get(0), shapes.size() > 1 ? shapes.get(1) : new long[0]);
    if (sliding == null) {
      return; // ND4J checks the rest itself
    }
    for (int k = 0; k < sliding.axes.size(); k++) {
      Axis axis = sliding.axes.get(k);
      String problem = sliding.problem(axis);
      if (problem != null) {
        throw new NoWindowException(
            "\""
                + what
                + "\" ("
                + name
                + "): "
                + problem
                + " on axis "
                + (k + (sliding.channelsLast ? 1 : 2))
                + " of its input "
                + Arrays.toString(shapes.get(0))
                + ", so that the result would be empty.");
      }
    }
  }

  private @Nullable String problem(Axis axis) {
    if (axis.kernel < 1 || axis.stride < 1 || axis.dilation < 1) {
      return "kernel, stride and dilation are "
          + axis.kernel
          + ", "
          + axis.stride
          + " and "
          + axis.dilation;
    }
    if (transposed) {
      boolean cut = (axis.in - 1) * axis.stride + axis.span() - 2 * axis.padding < 1;
      return cut && axis.mode == PaddingMode.VALID
          ? "the padding " + axis.padding + " cuts everything off"
          : null;
    }
    boolean wide = axis.mode == PaddingMode.VALID && axis.in + 2 * axis.padding < axis.span();
    return wide
        ? "the kernel spans "
            + axis.span()
            + " entries and the padded input has "
            + (axis.in + 2 * axis.padding)
        : null;
  }

  /** No window fits into what an op slides along. */
  public static final class NoWindowException extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    NoWindowException(String message) {
      super(message);
    }
  }
}
