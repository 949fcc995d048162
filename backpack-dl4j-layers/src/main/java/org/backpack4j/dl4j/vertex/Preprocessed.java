package org.backpack4j.dl4j.vertex;

import org.backpack4j.dl4j.convert.Obstacles;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.backpack4j.dl4j.convert.VertexConverter;
import org.deeplearning4j.nn.conf.graph.PreprocessorVertex;

/** {@code PreprocessorVertex}: a preprocessor by itself. */
final class Preprocessed implements VertexConverter<PreprocessorVertex> {
  @Override
  public void check(PreprocessorVertex conf, Obstacles obstacles) {
    obstacles.preprocessor(conf.getPreProcessor());
  }

  @Override
  public Value convert(PreprocessorVertex conf, Site site) {
    return site.preprocessed(conf.getPreProcessor(), site.input());
  }
}
