package org.backpack4j.dl4j.internal.preprocessor;

import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.backpack4j.dl4j.spi.PreprocessorConverter;
import org.deeplearning4j.nn.conf.InputPreProcessor;
import org.deeplearning4j.nn.conf.preprocessor.ComposableInputPreProcessor;

/** {@code ComposableInputPreProcessor}: preprocessors one after the other. */
final class ComposableInputPreProcessorConverter
    implements PreprocessorConverter<ComposableInputPreProcessor> {
  @Override
  public LayerOutput convert(ComposableInputPreProcessor conf, ConversionContext context) {
    LayerOutput value = context.input();
    for (InputPreProcessor next : conf.getInputPreProcessors()) {
      value = context.preprocessed(next, value);
    }
    return value;
  }
}
