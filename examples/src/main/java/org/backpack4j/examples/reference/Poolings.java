package org.backpack4j.examples.reference;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.PaddingMode;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Pooling2DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Pooling3DConfig;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Poolings of one to three dimensions. ND4J's average never counts its own padding, so where
 * PyTorch's does, zeros are added first; one dimension is worked as two, the first of length one.
 */
final class Poolings {

  /** No entry of a reasonable network is below it, and its square is still a number. */
  private static final double LOWEST = -1e30;

  private Poolings() {}

  static void register(Map<String, Module> table) {
    for (int dimensions = 1; dimensions <= 3; dimensions++) {
      int d = dimensions;
      table.put("maxpool" + d + "d", c -> pool(c, d, Poolings::max));
      table.put("avgpool" + d + "d", c -> pool(c, d, Poolings::average));
      table.put("adaptiveavgpool" + d + "d", c -> adaptive(c, d, Tensor::mean, false));
      table.put("adaptivemaxpool" + d + "d", c -> adaptive(c, d, Tensor::max, true));
    }
    for (String name : new String[] {"globalavgpool", "globalavgpool1d", "globalavgpool2d"}) {
      table.put(name, c -> c.input().mean(true, c.input().axesFrom(2)));
    }
  }

  /**
   * How a window moves; one entry for each axis behind [N, C]. The excess is what windows reach
   * beyond the padded input when the number of windows is rounded up.
   */
  private record Window(
      long[] kernel,
      long[] stride,
      long[] padding,
      long[] dilation,
      long[] excess,
      long[] lengths) {

    boolean exceeds() {
      return Arrays.stream(excess).anyMatch(e -> e > 0);
    }

    boolean padded() {
      return Arrays.stream(padding).anyMatch(p -> p > 0);
    }

    Window withoutPadding() {
      long[] none = new long[padding.length];
      return new Window(kernel, stride, none, dilation, none, lengths);
    }

    long[][] amounts() {
      long[][] amounts = new long[padding.length][];
      for (int i = 0; i < padding.length; i++) {
        amounts[i] = new long[] {padding[i], padding[i] + excess[i]};
      }
      return Spatial.amounts(amounts);
    }
  }

  private interface Pool {
    Tensor apply(Tensor x, Window window, Attributes attributes);
  }

  private static Tensor pool(ModuleContext c, int dimensions, Pool pool) {
    Tensor x = Spatial.checked(c, dimensions);
    Attributes a = c.attributes();
    long[] kernel = a.perDimension("kernel_size", dimensions, 2);
    long[] stride = a.has("stride") ? a.perDimension("stride", dimensions, 1) : kernel;
    long[] padding = a.perDimension("padding", dimensions, 0);
    long[] dilation = a.perDimension("dilation", dimensions, 1);
    if (dimensions == 1) {
      Tensor plane = Spatial.withHeight(x);
      Window window =
          window(
              plane,
              Spatial.withHeight(kernel, 1),
              Spatial.withHeight(stride, 1),
              Spatial.withHeight(padding, 0),
              Spatial.withHeight(dilation, 1),
              a.flag("ceil_mode", false));
      return Spatial.withoutHeight(pool.apply(plane, window, a));
    }
    Window window = window(x, kernel, stride, padding, dilation, a.flag("ceil_mode", false));
    return pool.apply(x, window, a);
  }

  private static Window window(
      Tensor x, long[] kernel, long[] stride, long[] padding, long[] dilation, boolean ceil) {
    int dimensions = kernel.length;
    long[] excess = new long[dimensions];
    long[] lengths = new long[dimensions];
    for (int i = 0; i < dimensions; i++) {
      long padded = x.size(i + 2) + 2 * padding[i];
      long span = Spatial.span(kernel[i], dilation[i]);
      long room = padded - span;
      if (room < 0) {
        throw new UnsupportedCaseException("a window that is larger than " + x);
      }
      lengths[i] = (room + (ceil ? stride[i] - 1 : 0)) / stride[i] + 1;
      if (ceil && (lengths[i] - 1) * stride[i] >= x.size(i + 2) + padding[i]) {
        lengths[i]--;
      }
      excess[i] = Math.max(0, (lengths[i] - 1) * stride[i] + span - padded);
    }
    return new Window(kernel, stride, padding, dilation, excess, lengths);
  }

  private static Tensor max(Tensor x, Window window, Attributes attributes) {
    if (!window.exceeds()) {
      return pooled(x, window, true);
    }
    return pooled(x.pad(LOWEST, window.amounts()), window.withoutPadding(), true);
  }

  private static Tensor average(Tensor x, Window window, Attributes attributes) {
    boolean countsPadding = attributes.flag("count_include_pad", true);
    boolean divisor = attributes.has("divisor_override");
    if (!window.exceeds() && !divisor && !(countsPadding && window.padded())) {
      return pooled(x, window, false);
    }
    Tensor average = pooled(x.pad(0, window.amounts()), window.withoutPadding(), false);
    long volume = Arrays.stream(window.kernel()).reduce(1, Math::multiplyExact);
    if (divisor) {
      return average.times((double) volume / attributes.integer("divisor_override"));
    }
    if (!window.exceeds() && countsPadding) {
      return average;
    }
    return average.times(average.constant(corrections(x, window, countsPadding, volume)));
  }

  /** The window's size over the number of entries that count, for each position [1, 1, ...]. */
  private static INDArray corrections(Tensor x, Window window, boolean countsPadding, long volume) {
    int count = (int) Arrays.stream(window.lengths()).reduce(1, Math::multiplyExact);
    double[] factors = new double[count];
    for (int flat = 0; flat < count; flat++) {
      double counted = 1;
      int rest = flat;
      for (int i = window.lengths().length - 1; i >= 0; i--) {
        int position = rest % (int) window.lengths()[i];
        rest /= (int) window.lengths()[i];
        long from = position * window.stride()[i] - window.padding()[i];
        long to = Math.min(from + window.kernel()[i], x.size(i + 2) + window.padding()[i]);
        if (!countsPadding) {
          from = Math.max(from, 0);
          to = Math.min(to, x.size(i + 2));
        }
        counted *= to - from;
      }
      factors[flat] = volume / counted;
    }
    long[] shape = new long[window.lengths().length + 2];
    shape[0] = 1;
    shape[1] = 1;
    System.arraycopy(window.lengths(), 0, shape, 2, window.lengths().length);
    return Nd4j.createFromArray(factors).reshape('c', shape);
  }

  private static Tensor pooled(Tensor x, Window window, boolean max) {
    SDVariable result =
        window.kernel().length == 2
            ? plane(x.variable(), window, max)
            : volume(x.variable(), window, max);
    return Tensor.batched(result, Spatial.shape(x, x.size(1), window.lengths()));
  }

  private static SDVariable plane(SDVariable x, Window w, boolean max) {
    Pooling2DConfig config =
        Pooling2DConfig.builder()
            .kH(w.kernel()[0])
            .kW(w.kernel()[1])
            .sH(w.stride()[0])
            .sW(w.stride()[1])
            .pH(w.padding()[0])
            .pW(w.padding()[1])
            .dH(w.dilation()[0])
            .dW(w.dilation()[1])
            .paddingMode(PaddingMode.VALID)
            .isNHWC(false)
            .build();
    return max
        ? x.getSameDiff().cnn().maxPooling2d(x, config)
        : x.getSameDiff().cnn().avgPooling2d(x, config);
  }

  /** ND4J hands a Pooling3DConfig's width to the op as its height, and the other way round. */
  private static SDVariable volume(SDVariable x, Window w, boolean max) {
    Pooling3DConfig config =
        Pooling3DConfig.builder()
            .kD(w.kernel()[0])
            .kW(w.kernel()[1])
            .kH(w.kernel()[2])
            .sD(w.stride()[0])
            .sW(w.stride()[1])
            .sH(w.stride()[2])
            .pD(w.padding()[0])
            .pW(w.padding()[1])
            .pH(w.padding()[2])
            .dD(w.dilation()[0])
            .dW(w.dilation()[1])
            .dH(w.dilation()[2])
            .isSameMode(false)
            .isNCDHW(true)
            .build();
    return max
        ? x.getSameDiff().cnn().maxPooling3d(x, config)
        : x.getSameDiff().cnn().avgPooling3d(x, config);
  }

  private interface Reduction {
    Tensor apply(Tensor x, boolean keep, int... axes);
  }

  private static Tensor adaptive(
      ModuleContext c, int dimensions, Reduction reduction, boolean max) {
    Tensor x = Spatial.checked(c, dimensions);
    long[] lengths = c.attributes().perDimension("output_size", dimensions, 1);
    boolean even = true;
    for (int i = 0; i < dimensions; i++) {
      // PyTorch's None arrives as a zero: as many as there are.
      lengths[i] = lengths[i] == 0 ? x.size(i + 2) : lengths[i];
      even &= x.size(i + 2) % lengths[i] == 0;
    }
    if (Arrays.stream(lengths).allMatch(length -> length == 1)) {
      return reduction.apply(x, true, x.axesFrom(2));
    }
    return even && dimensions > 1
        ? pooled(x, evenWindows(x, lengths), max)
        : unevenWindows(x, lengths, reduction);
  }

  private static Window evenWindows(Tensor x, long[] lengths) {
    long[] none = new long[lengths.length];
    long[] ones = new long[lengths.length];
    long[] kernel = new long[lengths.length];
    for (int i = 0; i < lengths.length; i++) {
      ones[i] = 1;
      kernel[i] = x.size(i + 2) / lengths[i];
    }
    return new Window(kernel, kernel, none, ones, none, lengths);
  }

  /** Windows [floor(i L / o), ceil((i + 1) L / o)), one axis after the other. */
  private static Tensor unevenWindows(Tensor x, long[] lengths, Reduction reduction) {
    Tensor result = x;
    for (int axis = 2; axis < x.rank(); axis++) {
      long length = x.size(axis);
      long windows = lengths[axis - 2];
      if (windows == length) {
        continue;
      }
      List<Tensor> parts = new ArrayList<>();
      for (long i = 0; i < windows; i++) {
        long to = ((i + 1) * length + windows - 1) / windows;
        parts.add(reduction.apply(result.slice(axis, i * length / windows, to), true, axis));
      }
      result = Tensor.concat(axis, parts);
    }
    return result;
  }
}
