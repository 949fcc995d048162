package org.backpack4j.dl4j.internal.preprocessor;

import java.util.LinkedHashMap;
import java.util.Map;
import org.backpack4j.dl4j.spi.PreprocessorConverter;
import org.deeplearning4j.nn.conf.InputPreProcessor;
import org.deeplearning4j.nn.conf.preprocessor.Cnn3DToFeedForwardPreProcessor;
import org.deeplearning4j.nn.conf.preprocessor.CnnToFeedForwardPreProcessor;
import org.deeplearning4j.nn.conf.preprocessor.CnnToRnnPreProcessor;
import org.deeplearning4j.nn.conf.preprocessor.ComposableInputPreProcessor;
import org.deeplearning4j.nn.conf.preprocessor.FeedForwardToCnn3DPreProcessor;
import org.deeplearning4j.nn.conf.preprocessor.FeedForwardToCnnPreProcessor;
import org.deeplearning4j.nn.conf.preprocessor.FeedForwardToRnnPreProcessor;
import org.deeplearning4j.nn.conf.preprocessor.RnnToCnnPreProcessor;
import org.deeplearning4j.nn.conf.preprocessor.RnnToFeedForwardPreProcessor;
import org.deeplearning4j.preprocessors.KerasFlattenRnnPreprocessor;
import org.deeplearning4j.preprocessors.PermutePreprocessor;
import org.deeplearning4j.preprocessors.ReshapePreprocessor;

/** Who converts which preprocessor. */
public final class Preprocessors {
  private static final String IMPORTED =
      "org.deeplearning4j.nn.modelimport.keras.preprocessors"
          + ".TensorFlowCnnToFeedForwardPreProcessor";

  private final Map<Class<?>, PreprocessorConverter<?>> table = new LinkedHashMap<>();

  private Preprocessors() {
    put(
        Cnn3DToFeedForwardPreProcessor.class,
        (conf, context) -> CnnToFeedForwardPreProcessorConverter.flat(context));
    put(CnnToFeedForwardPreProcessor.class, new CnnToFeedForwardPreProcessorConverter());
    put(CnnToRnnPreProcessor.class, new CnnToRnnPreProcessorConverter());
    put(ComposableInputPreProcessor.class, new ComposableInputPreProcessorConverter());
    put(FeedForwardToCnn3DPreProcessor.class, new FeedForwardToCnn3DPreProcessorConverter());
    put(FeedForwardToCnnPreProcessor.class, new FeedForwardToCnnPreProcessorConverter());
    put(FeedForwardToRnnPreProcessor.class, new FeedForwardToRnnPreProcessorConverter());
    put(KerasFlattenRnnPreprocessor.class, Keras::flatten);
    put(PermutePreprocessor.class, Keras::permute);
    put(ReshapePreprocessor.class, Keras::reshape);
    put(RnnToCnnPreProcessor.class, new RnnToCnnPreProcessorConverter());
    put(RnnToFeedForwardPreProcessor.class, new RnnToFeedForwardPreProcessorConverter());
    putImported();
  }

  /** What deeplearning4j-modelimport has, where that is there. */
  private void putImported() {
    try {
      PreprocessorConverter<CnnToFeedForwardPreProcessor> channelsLast = Keras::channelsLast;
      table.put(Class.forName(IMPORTED), channelsLast);
    } catch (ClassNotFoundException e) {
      // then no network has it
    }
  }

  /**
   * The table.
   *
   * @return the converters by the preprocessor's class
   */
  public static Map<Class<?>, PreprocessorConverter<?>> table() {
    return Map.copyOf(new Preprocessors().table);
  }

  private <P extends InputPreProcessor> void put(
      Class<P> preprocessor, PreprocessorConverter<? super P> converter) {
    table.put(preprocessor, converter);
  }
}
