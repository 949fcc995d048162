package org.backpack4j.examples.reference;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.ops.SDCNN;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.DeConv2DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.DeConv3DConfig;

/**
 * Transposed convolutions. The weight [I, O / groups, kernel...] reaches SameDiff's own layout
 * [kernel..., O, I] through a permute; one dimension is worked as two, the first of length one.
 */
final class TransposedConvolutions {

  private TransposedConvolutions() {}

  static void register(Map<String, Module> table) {
    table.put("convtranspose1d", TransposedConvolutions::oneDimension);
    table.put("convtranspose2d", c -> transposed(c, Spatial.checked(c, 2), geometry(c, 2)));
    table.put("convtranspose3d", c -> transposed(c, Spatial.checked(c, 3), geometry(c, 3)));
  }

  private record Geometry(
      long[] stride, long[] padding, long[] outputPadding, long[] dilation, Tensor weight) {}

  private static Geometry geometry(ModuleContext c, int dimensions) {
    Attributes attributes = c.attributes();
    return new Geometry(
        attributes.perDimension("stride", dimensions, 1),
        attributes.perDimension("padding", dimensions, 0),
        attributes.perDimension("output_padding", dimensions, 0),
        attributes.perDimension("dilation", dimensions, 1),
        c.parameter("weight"));
  }

  private static Tensor oneDimension(ModuleContext c) {
    Geometry line = geometry(c, 1);
    Geometry plane =
        new Geometry(
            Spatial.withHeight(line.stride(), 1),
            Spatial.withHeight(line.padding(), 0),
            Spatial.withHeight(line.outputPadding(), 0),
            Spatial.withHeight(line.dilation(), 1),
            Spatial.withHeight(line.weight()));
    return Spatial.withoutHeight(transposed(c, Spatial.withHeight(Spatial.checked(c, 1)), plane));
  }

  private static Tensor transposed(ModuleContext c, Tensor x, Geometry g) {
    // With output padding, whole first: the op has no such argument.
    boolean whole = Arrays.stream(g.outputPadding()).anyMatch(p -> p > 0);
    long[] padding = whole ? new long[g.padding().length] : g.padding();
    int groups = Math.toIntExact(c.attributes().integer("groups", 1));
    boolean biased = c.hasParameter("bias");
    boolean biasInside = biased && groups == 1 && !whole;
    SDVariable bias = biasInside ? c.parameter("bias").variable() : null;
    List<Tensor> inputs = x.split(groups, 1);
    List<Tensor> weights = g.weight().split(groups, 0);
    List<Tensor> results = new ArrayList<>();
    for (int i = 0; i < groups; i++) {
      results.add(deconvolve(inputs.get(i), weights.get(i), bias, padding, g));
    }
    Tensor result = Tensor.concat(1, results);
    if (whole) {
      result = crop(result, g);
    }
    return biased && !biasInside ? Convolutions.addBias(result, c.parameter("bias")) : result;
  }

  private static Tensor deconvolve(
      Tensor x, Tensor weight, @Nullable SDVariable bias, long[] padding, Geometry g) {
    long[] kernel = Arrays.copyOfRange(weight.shape(), 2, weight.rank());
    long[] lengths = new long[kernel.length];
    for (int i = 0; i < kernel.length; i++) {
      lengths[i] =
          (x.size(i + 2) - 1) * g.stride()[i]
              - 2 * padding[i]
              + Spatial.span(kernel[i], g.dilation()[i]);
    }
    SDVariable nativeWeight = Convolutions.nativeWeight(weight).variable();
    SDVariable result =
        kernel.length == 2
            ? plane(x.variable(), nativeWeight, bias, kernel, padding, g)
            : volume(x.variable(), nativeWeight, bias, kernel, padding, g);
    return Tensor.batched(result, Spatial.shape(x, weight.size(1), lengths));
  }

  private static SDVariable plane(
      SDVariable x,
      SDVariable weight,
      @Nullable SDVariable bias,
      long[] kernel,
      long[] padding,
      Geometry g) {
    DeConv2DConfig config =
        DeConv2DConfig.builder()
            .kH(kernel[0])
            .kW(kernel[1])
            .sH(g.stride()[0])
            .sW(g.stride()[1])
            .pH(padding[0])
            .pW(padding[1])
            .dH(g.dilation()[0])
            .dW(g.dilation()[1])
            .isSameMode(false)
            .dataFormat("NCHW")
            .build();
    SDCNN cnn = x.getSameDiff().cnn();
    return bias == null ? cnn.deconv2d(x, weight, config) : cnn.deconv2d(x, weight, bias, config);
  }

  private static SDVariable volume(
      SDVariable x,
      SDVariable weight,
      @Nullable SDVariable bias,
      long[] kernel,
      long[] padding,
      Geometry g) {
    DeConv3DConfig config =
        DeConv3DConfig.builder()
            .kD(kernel[0])
            .kH(kernel[1])
            .kW(kernel[2])
            .sD(g.stride()[0])
            .sH(g.stride()[1])
            .sW(g.stride()[2])
            .pD(padding[0])
            .pH(padding[1])
            .pW(padding[2])
            .dD(g.dilation()[0])
            .dH(g.dilation()[1])
            .dW(g.dilation()[2])
            .isSameMode(false)
            .dataFormat("NCDHW")
            .build();
    SDCNN cnn = x.getSameDiff().cnn();
    return bias == null ? cnn.deconv3d(x, weight, config) : cnn.deconv3d(x, weight, bias, config);
  }

  /** Cuts the padding off, and adds zeros where the output padding asks for more than there is. */
  private static Tensor crop(Tensor x, Geometry g) {
    long[][] more = new long[x.rank()][2];
    long[] ends = new long[x.rank()];
    for (int i = 2; i < x.rank(); i++) {
      long padding = g.padding()[i - 2];
      long extra = g.outputPadding()[i - 2];
      more[i][1] = Math.max(0, extra - padding);
      ends[i] = x.size(i) - padding + extra;
    }
    Tensor result = x.pad(0, more);
    for (int i = 2; i < x.rank(); i++) {
      result = result.slice(i, g.padding()[i - 2], ends[i]);
    }
    return result;
  }
}
