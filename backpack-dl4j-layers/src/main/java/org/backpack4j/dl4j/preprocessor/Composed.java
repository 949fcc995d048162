package org.backpack4j.dl4j.preprocessor;

import org.backpack4j.dl4j.convert.PreprocessorConverter;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.deeplearning4j.nn.conf.InputPreProcessor;
import org.deeplearning4j.nn.conf.preprocessor.ComposableInputPreProcessor;

/** {@code ComposableInputPreProcessor}: preprocessors one after the other. */
final class Composed implements PreprocessorConverter<ComposableInputPreProcessor> {
  @Override
  public Value convert(ComposableInputPreProcessor conf, Site site) {
    Value value = site.input();
    for (InputPreProcessor next : conf.getInputPreProcessors()) {
      value = site.preprocessed(next, value);
    }
    return value;
  }
}
