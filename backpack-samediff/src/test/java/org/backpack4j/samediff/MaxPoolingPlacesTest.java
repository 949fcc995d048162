package org.backpack4j.samediff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.nd4j.linalg.api.ops.impl.layers.convolution.Pooling2D.Pooling2DType.MAX;

import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.internal.execution.ExecutionOptions;
import org.backpack4j.samediff.internal.execution.PlannedGraph;
import org.backpack4j.samediff.internal.execution.Timing;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Pooling2DConfig;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

/** Where a pooling's maxima are looked for. */
class MaxPoolingPlacesTest {
  private static SameDiff pooled(long height, long width) {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.FLOAT, -1, 1, height, width);
    SDVariable scale = graph.var("scale", Nd4j.ones(DataType.FLOAT, 1, 1, 1, 1));
    Pooling2DConfig config = Pooling2DConfig.builder().kH(2).kW(2).sH(2).sW(2).type(MAX).build();
    SDVariable maxima = graph.cnn().maxPooling2d("maxima", x.mul("scaled", scale), config);
    SDVariable output = maxima.mean("output", 2, 3);
    SDVariable labels = graph.placeHolder("labels", DataType.FLOAT, -1, 1);
    graph.loss().meanSquaredError("loss", labels, output, null);
    graph.setLossVariables("loss");
    return graph;
  }

  private static Map<String, INDArray> feeds() {
    INDArray x = Transforms.round(Nd4j.rand(DataType.FLOAT, 3, 1, 5, 6).mul(4)); // many are equal
    return Map.of("x", x, "labels", Nd4j.zeros(DataType.FLOAT, 3, 1));
  }

  @Test
  void onceForAllDirections() {
    try (ExtendedGraph extended = BackPack.extend(pooled(5, 6), new DiagGGNExact());
        PlannedGraph planned = extended.planned(extended.options())) {
      List<String> kinds =
          planned.profile(feeds(), extended.outputNames()).stream().map(Timing::kind).toList();
      assertThat(kinds)
          .containsOnlyOnce("MaxPoolIndices", "MaxPoolGather")
          .doesNotContain("maxpool2d");
      assertThat(kinds).filteredOn("MaxPoolBackward"::equals).hasSize(2);
    }
  }

  /** The ops that define the places, which a plan has no need of, say the same as the kernel. */
  @Test
  void asTheOpsDefineThem() {
    try (ExtendedGraph extended = BackPack.extend(pooled(5, 6));
        PlannedGraph planned = extended.planned(extended.options())) {
      List<String> places =
          extended.options().fusions().stream()
              .filter(f -> f.kernel().equals("max_pool_places"))
              .map(ExecutionOptions.Fusion::output)
              .toList();
      Map<String, INDArray> feeds = feeds();
      assertThat(planned.profile(feeds, places))
          .extracting(Timing::kind)
          .contains("MaxPoolIndices");
      assertThat(planned.output(feeds, places))
          .isEqualTo(extended.sameDiff().output(feeds, places))
          .hasSize(1);
    }
  }

  /** Single precision could not tell the last places from each other. */
  @Test
  void byMasksInLargeImages() {
    assertThat(fusions(64, 64)).contains("max_pool_places", "max_pool_backward");
    assertThat(fusions(4097, 4096)).noneMatch(kernel -> kernel.startsWith("max_pool"));
  }

  private static List<String> fusions(long height, long width) {
    try (ExtendedGraph extended = BackPack.extend(pooled(height, width))) {
      return extended.options().fusions().stream().map(ExecutionOptions.Fusion::kernel).toList();
    }
  }
}
