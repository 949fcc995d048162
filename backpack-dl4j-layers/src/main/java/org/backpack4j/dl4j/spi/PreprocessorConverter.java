package org.backpack4j.dl4j.spi;

import org.deeplearning4j.nn.conf.InputPreProcessor;

/**
 * Converts preprocessors of one class. It has no state.
 *
 * @param <P> the class of the preprocessors
 */
public interface PreprocessorConverter<P extends InputPreProcessor> {
  /**
   * Emits the preprocessor, and hands a mask of the features on as DL4J does.
   *
   * @param conf the preprocessor
   * @param context the layer that it belongs to; its input is the preprocessor's
   * @return what the layer is given, with its mask
   */
  LayerOutput convert(P conf, ConversionContext context);
}
