package org.backpack4j.dl4j.internal.layer;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerConverter;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.deeplearning4j.nn.api.MaskState;
import org.deeplearning4j.nn.conf.layers.samediff.SameDiffLayer;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDIndex;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** {@code SameDiffLayer}: what the layer defines is defined in our graph. */
final class SameDiffLayerConverter implements LayerConverter<SameDiffLayer> {
  @Override
  public @Nullable LayerOutput mask(SameDiffLayer conf, ConversionContext context) {
    LayerOutput mask = context.input().mask();
    if (mask != null && makesAnother(conf)) {
      throw context.refuse(
          "a mask of the features reaches it, of which it makes another one by code on arrays",
          "train without features' masks");
    }
    return mask;
  }

  @Override
  public LayerOutput convert(SameDiffLayer conf, ConversionContext context) {
    LayerOutput x = context.input();
    Map<String, SDVariable> parameters = new LinkedHashMap<>();
    for (String key : conf.getLayerParams().getParamShapes().keySet()) {
      parameters.put(key, context.parameter(key).shaped());
    }
    LayerOutput given = x.mask();
    SDVariable mask = given == null ? ones(x, context) : given.shaped();
    SDVariable in = x.shaped();
    return context.measured(
        context.defined(() -> conf.defineLayer(context.sd(), in, parameters, mask)));
  }

  /** What DL4J hands a layer that no mask reaches: [N, 1], [N, T] or [N, 1, 1, …]. */
  private static @Nullable SDVariable ones(LayerOutput x, ConversionContext context) {
    if (x.rank() > 5) {
      return null;
    }
    SDIndex[] index = new SDIndex[x.rank()];
    Arrays.fill(index, SDIndex.interval(0L, 1L));
    index[0] = SDIndex.all();
    if (x.rank() == 3) {
      index[1] = SDIndex.point(0);
      index[2] = SDIndex.all();
    }
    SDVariable some = x.variable().get(index);
    return some.eq(some).castTo(context.type());
  }

  private static boolean makesAnother(SameDiffLayer conf) {
    try {
      Class<?> by =
          conf.getClass()
              .getMethod("feedForwardMaskArray", INDArray.class, MaskState.class, int.class)
              .getDeclaringClass();
      return by != SameDiffLayer.class;
    } catch (NoSuchMethodException e) {
      throw new IllegalStateException(e);
    }
  }
}
