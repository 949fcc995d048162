package org.backpack4j.samediff.internal.rule;

import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.check.BruteForce;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.testing.Checked;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv1DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv3DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.DeConv2DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.DeConv3DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.PaddingMode;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Pooling2DConfig;

/**
 * Layers over places with one sample, channel, place or a kernel of one, in both ways of running.
 */
class LayerExtentsTest {
  private final Net net = new Net();

  private void check(SDVariable out, long samples) {
    net.classified(out, samples);
    try (ExtendedGraph graph = BackPack.extend(net.sd, new BatchGrad(), new DiagGGNExact())) {
      List<String> names = graph.outputNames();
      Map<String, INDArray> planned = graph.output(net.feeds, names);
      Checked.compare(
          "session", planned, graph.sameDiff().output(net.feeds, names.toArray(new String[0])));
      BruteForce.on(net.sd, net.feeds).verifier().entries(1).verify(planned).orThrow();
    }
  }

  @ParameterizedTest
  @CsvSource({
    // samples, channels, outputs, height, width, kernel, mode
    "1, 2, 3, 4, 3, 2, VALID",
    "2, 1, 3, 4, 3, 2, VALID",
    "2, 2, 1, 4, 3, 2, SAME",
    "2, 2, 3, 1, 3, 2, SAME",
    "2, 2, 3, 4, 3, 1, VALID",
    "2, 2, 3, 2, 2, 2, VALID",
    "1, 1, 1, 1, 1, 1, VALID",
  })
  void convolutions(int n, int c, int o, int h, int w, int k, PaddingMode mode) {
    Conv2DConfig config = Conv2DConfig.builder().kH(k).kW(k).paddingMode(mode).build();
    SDVariable x = net.hidden(n, c, h, w);
    check(net.sd.cnn().conv2d(x, net.parameter("w", k, k, c, o), net.parameter("b", o), config), n);
  }

  @ParameterizedTest
  @CsvSource({"1, 2, 3, 4, 2", "2, 1, 1, 3, 1", "2, 2, 3, 2, 2", "1, 1, 1, 1, 1"})
  void series(int n, int c, int o, int t, int k) {
    Conv1DConfig config =
        Conv1DConfig.builder().k(k).s(1).p(0).paddingMode(PaddingMode.VALID).build();
    SDVariable x = net.hidden(n, c, t);
    check(net.sd.cnn().conv1d(x, net.parameter("w", k, c, o), net.parameter("b", o), config), n);
  }

  @ParameterizedTest
  @CsvSource({"1, 2, 2, 2, 2", "2, 1, 1, 2, 1", "1, 1, 1, 1, 1"})
  void volumes(int n, int c, int o, int size, int k) {
    Conv3DConfig config = Conv3DConfig.builder().kD(k).kH(k).kW(k).dataFormat("NCDHW").build();
    SDVariable x = net.hidden(n, c, size, size, size);
    check(
        net.sd.cnn().conv3d(x, net.parameter("w", k, k, k, c, o), net.parameter("b", o), config),
        n);
  }

  @ParameterizedTest
  @CsvSource({
    "1, 2, 3, 3, 2, 2",
    "2, 1, 2, 3, 2, 1",
    "2, 2, 1, 3, 2, 1",
    "2, 2, 3, 1, 2, 2",
    "2, 2, 3, 3, 1, 1",
    "1, 1, 1, 1, 1, 1"
  })
  void transposed(int n, int c, int o, int size, int k, int stride) {
    DeConv2DConfig config =
        DeConv2DConfig.builder().kH(k).kW(k).sH(stride).sW(stride).dataFormat("NCHW").build();
    SDVariable x = net.hidden(n, c, size, size);
    check(
        net.sd.cnn().deconv2d(x, net.parameter("w", k, k, o, c), net.parameter("b", o), config), n);
  }

  @ParameterizedTest
  @CsvSource({"1, 2, 2, 2, 2", "1, 1, 1, 1, 1"})
  void transposedVolumes(int n, int c, int o, int size, int k) {
    DeConv3DConfig config = DeConv3DConfig.builder().kD(k).kH(k).kW(k).dataFormat("NCDHW").build();
    SDVariable x = net.hidden(n, c, size, size, size);
    check(
        net.sd.cnn().deconv3d(x, net.parameter("w", k, k, k, o, c), net.parameter("b", o), config),
        n);
  }

  @ParameterizedTest
  @CsvSource({"1, 2, 2, 3, 2", "2, 1, 2, 3, 2", "2, 2, 1, 3, 2", "2, 2, 2, 2, 2", "2, 2, 2, 3, 1"})
  void depthwise(int n, int c, int m, int size, int k) {
    Conv2DConfig config = Conv2DConfig.builder().kH(k).kW(k).build();
    SDVariable x = net.hidden(n, c, size, size);
    check(
        net.sd
            .cnn()
            .depthWiseConv2d(x, net.parameter("w", k, k, c, m), net.parameter("b", c * m), config),
        n);
  }

  @ParameterizedTest
  @CsvSource({
    "1, 2, 4, 2, true",
    "2, 1, 2, 2, true",
    "1, 1, 3, 1, true",
    "1, 2, 4, 2, false",
    "2, 1, 2, 2, false"
  })
  void poolings(int n, int c, int size, int k, boolean largest) {
    Pooling2DConfig config =
        Pooling2DConfig.builder().kH(k).kW(k).sH(k).sW(k).isNHWC(false).build();
    SDVariable x = net.hidden(n, c, size, size);
    check(largest ? net.sd.cnn().maxPooling2d(x, config) : net.sd.cnn().avgPooling2d(x, config), n);
  }
}
