package org.backpack4j.dl4j.internal.vertex;

import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.backpack4j.dl4j.spi.Obstacles;
import org.backpack4j.dl4j.spi.VertexConverter;
import org.deeplearning4j.nn.conf.graph.PreprocessorVertex;

/** {@code PreprocessorVertex}: a preprocessor by itself. */
final class PreprocessorVertexConverter implements VertexConverter<PreprocessorVertex> {
  @Override
  public void check(PreprocessorVertex conf, Obstacles obstacles) {
    obstacles.preprocessor(conf.getPreProcessor());
  }

  @Override
  public LayerOutput convert(PreprocessorVertex conf, ConversionContext context) {
    return context.preprocessed(conf.getPreProcessor(), context.input());
  }
}
