package org.backpack4j.samediff.testing;

import static org.backpack4j.samediff.testing.OpCase.random;
import static org.backpack4j.samediff.testing.OpCase.variables;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.enums.DataFormat;
import org.nd4j.enums.WeightsFormat;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.layers.convolution.Pooling2D;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv1DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv3DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.DeConv2DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.DeConv3DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.LocalResponseNormalizationConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.PaddingMode;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Pooling2DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Pooling3DConfig;

/** Convolutions and poolings of {@code sd.cnn()}, in both data formats and both padding modes. */
final class ConvolutionCases {
  private final List<OpCase> cases = new ArrayList<>();

  private ConvolutionCases() {}

  static List<OpCase> all() {
    ConvolutionCases all = new ConvolutionCases();
    for (boolean channelsFirst : new boolean[] {true, false}) {
      for (PaddingMode mode : new PaddingMode[] {PaddingMode.VALID, PaddingMode.SAME}) {
        all.plain(channelsFirst, mode);
        all.depthwise(channelsFirst, mode);
        all.transposed(channelsFirst, mode);
        all.pooling(channelsFirst, mode);
        all.otherDimensions(channelsFirst, mode);
      }
    }
    all.others();
    return all.cases;
  }

  private void add(
      String name,
      Map<String, INDArray> variables,
      BiFunction<SameDiff, Function<String, SDVariable>, SDVariable> op) {
    cases.add(new OpCase(name, variables, sd -> op.apply(sd, sd::getVariable)));
  }

  private static String tag(boolean channelsFirst, PaddingMode mode) {
    return (channelsFirst ? " NCHW " : " NHWC ") + mode;
  }

  private static INDArray image(boolean channelsFirst) {
    return channelsFirst ? random(2, 3, 6, 5) : random(2, 6, 5, 3);
  }

  private static Conv2DConfig.Conv2DConfigBuilder conv(boolean channelsFirst, PaddingMode mode) {
    return Conv2DConfig.builder()
        .kH(3)
        .kW(2)
        .sH(2)
        .sW(1)
        .pH(mode == PaddingMode.VALID ? 1 : 0)
        .paddingMode(mode)
        .dataFormat(channelsFirst ? "NCHW" : "NHWC");
  }

  private void plain(boolean channelsFirst, PaddingMode mode) {
    for (WeightsFormat format : WeightsFormat.values()) {
      INDArray w =
          switch (format) {
            case YXIO -> random(3, 2, 3, 4);
            case OIYX -> random(4, 3, 3, 2);
            case OYXI -> random(4, 3, 2, 3);
          };
      Conv2DConfig config = conv(channelsFirst, mode).dH(1).dW(2).weightsFormat(format).build();
      add(
          "conv2d" + tag(channelsFirst, mode) + " " + format,
          variables("x", image(channelsFirst), "w", w, "b", random(4)),
          (sd, v) -> sd.cnn().conv2d(v.apply("x"), v.apply("w"), v.apply("b"), config));
    }
  }

  private void depthwise(boolean channelsFirst, PaddingMode mode) {
    Conv2DConfig config = conv(channelsFirst, mode).build();
    add(
        "depthWiseConv2d" + tag(channelsFirst, mode),
        variables("x", image(channelsFirst), "w", random(3, 2, 3, 2), "b", random(6)),
        (sd, v) -> sd.cnn().depthWiseConv2d(v.apply("x"), v.apply("w"), v.apply("b"), config));
    add(
        "separableConv2d" + tag(channelsFirst, mode),
        variables(
            "x",
            image(channelsFirst),
            "w",
            random(3, 2, 3, 2),
            "p",
            random(1, 1, 6, 4),
            "b",
            random(4)),
        (sd, v) ->
            sd.cnn()
                .separableConv2d(v.apply("x"), v.apply("w"), v.apply("p"), v.apply("b"), config));
  }

  private void transposed(boolean channelsFirst, PaddingMode mode) {
    DeConv2DConfig two =
        DeConv2DConfig.builder()
            .kH(3)
            .kW(2)
            .sH(2)
            .sW(1)
            .pH(mode == PaddingMode.VALID ? 1 : 0)
            .isSameMode(mode == PaddingMode.SAME)
            .dataFormat(channelsFirst ? "NCHW" : "NHWC")
            .build();
    add(
        "deconv2d" + tag(channelsFirst, mode),
        variables("x", image(channelsFirst), "w", random(3, 2, 4, 3), "b", random(4)),
        (sd, v) -> sd.cnn().deconv2d(v.apply("x"), v.apply("w"), v.apply("b"), two));
    DeConv3DConfig three =
        DeConv3DConfig.builder()
            .kD(2)
            .kH(3)
            .kW(2)
            .sD(1)
            .sH(2)
            .sW(1)
            .isSameMode(mode == PaddingMode.SAME)
            .dataFormat(channelsFirst ? "NCDHW" : "NDHWC")
            .build();
    add(
        "deconv3d" + tag(channelsFirst, mode),
        variables("x", random(2, 2, 2, 2, 2), "w", random(2, 3, 2, 3, 2), "b", random(3)),
        (sd, v) -> sd.cnn().deconv3d(v.apply("x"), v.apply("w"), v.apply("b"), three));
  }

  private void pooling(boolean channelsFirst, PaddingMode mode) {
    String tag = tag(channelsFirst, mode);
    Map<String, INDArray> image = variables("x", image(channelsFirst));
    add(
        "maxPooling2d" + tag,
        image,
        (sd, v) -> sd.cnn().maxPooling2d(v.apply("x"), pool(channelsFirst, mode).build()));
    for (Pooling2D.Divisor divisor : Pooling2D.Divisor.values()) {
      add(
          "avgPooling2d" + tag + " " + divisor,
          image,
          (sd, v) ->
              sd.cnn()
                  .avgPooling2d(v.apply("x"), pool(channelsFirst, mode).divisor(divisor).build()));
    }
    Pooling3DConfig three =
        Pooling3DConfig.builder()
            .kD(2)
            .kH(2)
            .kW(2)
            .sD(1)
            .sH(2)
            .sW(1)
            .isSameMode(mode == PaddingMode.SAME)
            .isNCDHW(channelsFirst)
            .build();
    Map<String, INDArray> volume = variables("x", random(2, 3, 4, 3, 3));
    add("maxPooling3d" + tag, volume, (sd, v) -> sd.cnn().maxPooling3d(v.apply("x"), three));
    add("avgPooling3d" + tag, volume, (sd, v) -> sd.cnn().avgPooling3d(v.apply("x"), three));
  }

  private static Pooling2DConfig.Pooling2DConfigBuilder pool(
      boolean channelsFirst, PaddingMode mode) {
    return Pooling2DConfig.builder()
        .kH(3)
        .kW(2)
        .sH(2)
        .sW(1)
        .pH(mode == PaddingMode.VALID ? 1 : 0)
        .paddingMode(mode)
        .isNHWC(!channelsFirst);
  }

  private void otherDimensions(boolean channelsFirst, PaddingMode mode) {
    Conv1DConfig one =
        Conv1DConfig.builder()
            .k(3)
            .s(2)
            .p(mode == PaddingMode.VALID ? 1 : 0)
            .paddingMode(mode)
            .dataFormat(channelsFirst ? "NCW" : "NWC")
            .build();
    INDArray sequence = channelsFirst ? random(2, 3, 7) : random(2, 7, 3);
    add(
        "conv1d" + tag(channelsFirst, mode),
        variables("x", sequence, "w", random(3, 3, 4), "b", random(4)),
        (sd, v) -> sd.cnn().conv1d(v.apply("x"), v.apply("w"), v.apply("b"), one));
    Conv3DConfig three =
        Conv3DConfig.builder()
            .kD(2)
            .kH(3)
            .kW(2)
            .sD(1)
            .sH(2)
            .sW(1)
            .paddingMode(mode)
            .dataFormat(channelsFirst ? "NCDHW" : "NDHWC")
            .build();
    INDArray volume = channelsFirst ? random(2, 2, 3, 4, 3) : random(2, 3, 4, 3, 2);
    add(
        "conv3d" + tag(channelsFirst, mode),
        variables("x", volume, "w", random(2, 3, 2, 2, 3), "b", random(3)),
        (sd, v) -> sd.cnn().conv3d(v.apply("x"), v.apply("w"), v.apply("b"), three));
  }

  private void others() {
    LocalResponseNormalizationConfig lrn =
        LocalResponseNormalizationConfig.builder().alpha(0.1).beta(0.75).bias(1).depth(2).build();
    add(
        "localResponseNormalization",
        variables("x", random(2, 6, 3, 3)),
        (sd, v) -> sd.cnn().localResponseNormalization(v.apply("x"), lrn));
    add(
        "spaceToDepth nhwc",
        variables("x", random(2, 4, 4, 3)),
        (sd, v) -> sd.cnn().spaceToDepth(v.apply("x"), 2, DataFormat.NHWC));
    add(
        "depthToSpace nchw",
        variables("x", random(2, 8, 3, 3)),
        (sd, v) -> sd.cnn().depthToSpace(v.apply("x"), 2, DataFormat.NCHW));
    add(
        "upsampling2d 2,3 nchw",
        variables("x", random(2, 3, 3, 3)),
        (sd, v) -> sd.cnn().upsampling2d(v.apply("x"), 2, 3, true));
    add(
        "upsampling2d 2,2 nhwc",
        variables("x", random(2, 3, 3, 3)),
        (sd, v) -> sd.cnn().upsampling2d(v.apply("x"), 2, 2, false));
    add(
        "im2Col",
        variables("x", random(2, 3, 6, 5)),
        (sd, v) -> sd.cnn().im2Col(v.apply("x"), conv(true, PaddingMode.VALID).build()));
    add(
        "extractImagePatches",
        variables("x", random(2, 6, 5, 3)),
        (sd, v) ->
            sd.image()
                .extractImagePatches(
                    v.apply("x"), new int[] {3, 2}, new int[] {2, 1}, new int[] {1, 1}, false));
  }
}
