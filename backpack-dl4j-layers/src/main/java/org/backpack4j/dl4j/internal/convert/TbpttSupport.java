package org.backpack4j.dl4j.internal.convert;

import org.backpack4j.dl4j.spi.Obstacles;
import org.deeplearning4j.nn.conf.layers.BaseRecurrentLayer;
import org.deeplearning4j.nn.conf.layers.GravesBidirectionalLSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.conf.layers.wrapper.BaseWrapperLayer;

/**
 * Which recurrent layers can be trained by truncated backpropagation through time. DL4J cuts
 * sequences into parts and makes a step for each; a part begins with the state in which the one
 * before ended, as with a constant.
 */
final class TbpttSupport {
  private static final String REMEDY = "use an LSTM, or BackpropType.Standard";

  private TbpttSupport() {}

  @SuppressWarnings({"ReferenceEquality", "deprecation"})
  static void check(Layer layer, Obstacles obstacles) {
    obstacles.addIf(
        layer instanceof Bidirectional || layer instanceof GravesBidirectionalLSTM,
        "DL4J has no truncated backpropagation through time in two directions",
        REMEDY);
    Layer inner = inner(layer);
    obstacles.addIf(
        inner != layer && isRecurrent(inner),
        "with truncated backpropagation through time DL4J 1.0.0-M2.1 loses the state of a recurrent"
            + " layer within another layer",
        "use the recurrent layer by itself, or BackpropType.Standard");
  }

  private static boolean isRecurrent(Layer layer) {
    return layer instanceof BaseRecurrentLayer || layer instanceof Bidirectional;
  }

  private static Layer inner(Layer layer) {
    return layer instanceof BaseWrapperLayer wrapper
        ? inner(wrapper.getUnderlying())
        : layer instanceof FrozenLayer frozen ? inner(frozen.getLayer()) : layer;
  }
}
