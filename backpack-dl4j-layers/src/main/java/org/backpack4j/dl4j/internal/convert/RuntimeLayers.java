package org.backpack4j.dl4j.internal.convert;

import java.lang.reflect.Field;
import java.util.Map;
import org.deeplearning4j.nn.conf.layers.wrapper.BaseWrapperLayer;
import org.deeplearning4j.nn.layers.BaseLayer;
import org.deeplearning4j.nn.layers.variational.VariationalAutoencoder;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** What DL4J's own layers hold in an iteration, those inside wrappers in their place. */
final class RuntimeLayers {
  private static final Field NOISY = noisy(BaseLayer.class);
  private static final Field NOISY_ENCODER = noisy(VariationalAutoencoder.class);

  private RuntimeLayers() {}

  /** DL4J has no method that tells the parameters with their noise. */
  private static Field noisy(Class<?> layer) {
    try {
      Field field = layer.getDeclaredField("weightNoiseParams");
      field.setAccessible(true);
      return field;
    } catch (NoSuchFieldException e) {
      throw new IllegalStateException("This is not the DL4J that this was made for.", e);
    }
  }

  /** The configuration inside all wrappers. */
  static org.deeplearning4j.nn.conf.layers.Layer inside(
      org.deeplearning4j.nn.conf.layers.Layer layer) {
    return layer instanceof BaseWrapperLayer wrapper ? inside(wrapper.getUnderlying()) : layer;
  }

  /** What runs inside all wrappers. */
  static org.deeplearning4j.nn.api.Layer inside(org.deeplearning4j.nn.api.Layer layer) {
    return layer instanceof org.deeplearning4j.nn.layers.wrapper.BaseWrapperLayer wrapper
        ? inside(wrapper.getUnderlying())
        : layer;
  }

  /** A layer's input as it has changed it. */
  static @Nullable INDArray input(org.deeplearning4j.nn.api.Layer layer) {
    return inside(layer).input();
  }

  /** A layer's parameters as noise has changed them, by DL4J's keys. */
  @SuppressWarnings("unchecked")
  static Map<String, INDArray> noisyParameters(org.deeplearning4j.nn.api.Layer layer) {
    org.deeplearning4j.nn.api.Layer inside = inside(layer);
    try {
      return inside instanceof BaseLayer
          ? (Map<String, INDArray>) NOISY.get(inside)
          : inside instanceof VariationalAutoencoder
              ? (Map<String, INDArray>) NOISY_ENCODER.get(inside)
              : Map.of();
    } catch (IllegalAccessException e) {
      throw new IllegalStateException("The field was made accessible.", e);
    }
  }
}
