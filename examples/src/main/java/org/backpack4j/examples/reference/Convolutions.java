package org.backpack4j.examples.reference;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.ops.SDCNN;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv1DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv3DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.PaddingMode;

/**
 * Convolutions. The weight [O, I / groups, kernel...] reaches SameDiff's own layout [kernel..., I,
 * O] through a permute; groups are split and concatenated.
 */
final class Convolutions {

  private Convolutions() {}

  static void register(Map<String, Module> table) {
    for (int dimensions = 1; dimensions <= 3; dimensions++) {
      int d = dimensions;
      table.put("conv" + d + "d", c -> convolution(c, d));
    }
  }

  private static Tensor convolution(ModuleContext c, int dimensions) {
    Tensor weight = c.parameter("weight");
    Attributes attributes = c.attributes();
    long[] kernel = Arrays.copyOfRange(weight.shape(), 2, dimensions + 2);
    long[] stride = attributes.perDimension("stride", dimensions, 1);
    long[] dilation = attributes.perDimension("dilation", dimensions, 1);
    int groups = Math.toIntExact(attributes.integer("groups", 1));
    long[][] padding = padding(attributes, kernel, dilation);
    Tensor x = Spatial.checked(c, dimensions);
    String mode = attributes.text("padding_mode", "zeros");
    if (!mode.equals("zeros") || Arrays.stream(padding).anyMatch(p -> p[0] != p[1])) {
      x = Paddings.pad(x, Spatial.amounts(padding), mode.equals("zeros") ? "constant" : mode, 0);
      padding = new long[dimensions][2];
    }
    long[] lengths = new long[dimensions];
    for (int i = 0; i < dimensions; i++) {
      long room = x.size(i + 2) + 2 * padding[i][0] - Spatial.span(kernel[i], dilation[i]);
      if (room < 0) {
        throw c.unsupported("a kernel that is larger than the input");
      }
      lengths[i] = room / stride[i] + 1;
    }
    Window window =
        new Window(kernel, stride, Arrays.stream(padding).mapToLong(p -> p[0]).toArray(), dilation);
    List<Tensor> inputs = x.split(groups, 1);
    List<Tensor> weights = weight.split(groups, 0);
    Tensor bias = groups == 1 && c.hasParameter("bias") ? c.parameter("bias") : null;
    List<Tensor> results = new ArrayList<>();
    for (int g = 0; g < groups; g++) {
      SDVariable result =
          convolve(
              inputs.get(g).variable(),
              nativeWeight(weights.get(g)).variable(),
              bias == null ? null : bias.variable(),
              window);
      results.add(Tensor.batched(result, Spatial.shape(x, weights.get(g).size(0), lengths)));
    }
    Tensor result = Tensor.concat(1, results);
    return groups > 1 && c.hasParameter("bias") ? addBias(result, c.parameter("bias")) : result;
  }

  /** How a kernel moves; one entry for each axis behind [N, C]. */
  private record Window(long[] kernel, long[] stride, long[] padding, long[] dilation) {}

  private static SDVariable convolve(
      SDVariable x, SDVariable weight, @Nullable SDVariable bias, Window w) {
    SDCNN cnn = x.getSameDiff().cnn();
    return switch (w.kernel().length) {
      case 1 -> {
        Conv1DConfig config = conv1d(w);
        yield bias == null ? cnn.conv1d(x, weight, config) : cnn.conv1d(x, weight, bias, config);
      }
      case 2 -> {
        Conv2DConfig config = conv2d(w);
        yield bias == null ? cnn.conv2d(x, weight, config) : cnn.conv2d(x, weight, bias, config);
      }
      default -> {
        Conv3DConfig config = conv3d(w);
        yield bias == null ? cnn.conv3d(x, weight, config) : cnn.conv3d(x, weight, bias, config);
      }
    };
  }

  private static Conv1DConfig conv1d(Window w) {
    return Conv1DConfig.builder()
        .k(w.kernel()[0])
        .s(w.stride()[0])
        .p(w.padding()[0])
        .d(w.dilation()[0])
        .paddingMode(PaddingMode.VALID)
        .dataFormat("NCW")
        .build();
  }

  private static Conv2DConfig conv2d(Window w) {
    return Conv2DConfig.builder()
        .kH(w.kernel()[0])
        .kW(w.kernel()[1])
        .sH(w.stride()[0])
        .sW(w.stride()[1])
        .pH(w.padding()[0])
        .pW(w.padding()[1])
        .dH(w.dilation()[0])
        .dW(w.dilation()[1])
        .paddingMode(PaddingMode.VALID)
        .dataFormat("NCHW")
        .build();
  }

  private static Conv3DConfig conv3d(Window w) {
    return Conv3DConfig.builder()
        .kD(w.kernel()[0])
        .kH(w.kernel()[1])
        .kW(w.kernel()[2])
        .sD(w.stride()[0])
        .sH(w.stride()[1])
        .sW(w.stride()[2])
        .pD(w.padding()[0])
        .pH(w.padding()[1])
        .pW(w.padding()[2])
        .dD(w.dilation()[0])
        .dH(w.dilation()[1])
        .dW(w.dilation()[2])
        .paddingMode(PaddingMode.VALID)
        .dataFormat("NCDHW")
        .build();
  }

  /** [A, B, kernel...] as [kernel..., B, A]. */
  static Tensor nativeWeight(Tensor weight) {
    int[] axes = new int[weight.rank()];
    for (int i = 2; i < axes.length; i++) {
      axes[i - 2] = i;
    }
    axes[axes.length - 2] = 1;
    axes[axes.length - 1] = 0;
    return weight.permute(axes);
  }

  /** Adds [C] to [N, C, ...]. */
  static Tensor addBias(Tensor x, Tensor bias) {
    long[] perChannel = new long[x.rank()];
    Arrays.fill(perChannel, 1);
    perChannel[1] = bias.length();
    return x.plus(bias.reshape(perChannel));
  }

  private static long[][] padding(Attributes attributes, long[] kernel, long[] dilation) {
    if (!attributes.isText("padding")) {
      return Spatial.symmetric(attributes.perDimension("padding", kernel.length, 0));
    }
    long[][] padding = new long[kernel.length][2];
    if (attributes.text("padding", "").equals("same")) {
      for (int i = 0; i < kernel.length; i++) {
        long total = Spatial.span(kernel[i], dilation[i]) - 1;
        padding[i] = new long[] {total / 2, total - total / 2};
      }
    }
    return padding;
  }
}
