package org.backpack4j.dl4j.convert;

import org.deeplearning4j.nn.conf.InputPreProcessor;

/**
 * Converts preprocessors of one class. It has no state.
 *
 * @param <P> the class of the preprocessors
 */
public interface PreprocessorConverter<P extends InputPreProcessor> {
  /**
   * Whether it knows what to do with a mask that comes with the input.
   *
   * @return whether it passes the mask on or uses it
   */
  default boolean readsMask() {
    return false;
  }

  /**
   * Emits the preprocessor.
   *
   * @param conf the preprocessor
   * @param site the layer that it belongs to; its input is the preprocessor's
   * @return what the layer is given
   */
  Value convert(P conf, Site site);
}
