package org.backpack4j.dl4j.internal.vertex;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.BiFunction;
import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.backpack4j.dl4j.spi.VertexConverter;
import org.deeplearning4j.nn.conf.graph.AttentionVertex;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.deeplearning4j.nn.conf.graph.FrozenVertex;
import org.deeplearning4j.nn.conf.graph.GraphVertex;
import org.deeplearning4j.nn.conf.graph.L2NormalizeVertex;
import org.deeplearning4j.nn.conf.graph.L2Vertex;
import org.deeplearning4j.nn.conf.graph.MergeVertex;
import org.deeplearning4j.nn.conf.graph.PoolHelperVertex;
import org.deeplearning4j.nn.conf.graph.PreprocessorVertex;
import org.deeplearning4j.nn.conf.graph.ReshapeVertex;
import org.deeplearning4j.nn.conf.graph.ScaleVertex;
import org.deeplearning4j.nn.conf.graph.ShiftVertex;
import org.deeplearning4j.nn.conf.graph.StackVertex;
import org.deeplearning4j.nn.conf.graph.SubsetVertex;
import org.deeplearning4j.nn.conf.graph.UnstackVertex;
import org.deeplearning4j.nn.conf.graph.rnn.DuplicateToTimeSeriesVertex;
import org.deeplearning4j.nn.conf.graph.rnn.LastTimeStepVertex;
import org.deeplearning4j.nn.conf.graph.rnn.ReverseTimeSeriesVertex;
import org.deeplearning4j.nn.conf.layers.samediff.SameDiffVertex;
import org.nd4j.autodiff.samediff.SDVariable;

/** Who converts which vertex. */
public final class Vertices {
  private final Map<Class<?>, VertexConverter<?>> table = new LinkedHashMap<>();

  private Vertices() {
    put(AttentionVertex.class, new AttentionVertexConverter());
    put(DuplicateToTimeSeriesVertex.class, new DuplicateToTimeSeriesVertexConverter());
    put(ElementWiseVertex.class, new ElementWiseVertexConverter());
    put(FrozenVertex.class, new FrozenVertexConverter());
    put(L2NormalizeVertex.class, new L2NormalizeVertexConverter());
    put(L2Vertex.class, new L2VertexConverter());
    put(LastTimeStepVertex.class, new LastTimeStepVertexConverter());
    put(MergeVertex.class, new MergeVertexConverter());
    put(PoolHelperVertex.class, new PoolHelperVertexConverter());
    put(PreprocessorVertex.class, new PreprocessorVertexConverter());
    put(ReshapeVertex.class, new ReshapeVertexConverter());
    put(ReverseTimeSeriesVertex.class, new ReverseTimeSeriesVertexConverter());
    put(SameDiffVertex.class, new SameDiffVertexConverter());
    put(ScaleVertex.class, new Plain<>((conf, x) -> x.mul(conf.getScaleFactor())));
    put(ShiftVertex.class, new Plain<>((conf, x) -> x.add(conf.getShiftFactor())));
    put(StackVertex.class, new StackVertexConverter());
    put(SubsetVertex.class, new SubsetVertexConverter());
    put(UnstackVertex.class, new UnstackVertexConverter());
  }

  /**
   * The table.
   *
   * @return the converters by the class of the vertex' configuration
   */
  public static Map<Class<?>, VertexConverter<?>> table() {
    return Map.copyOf(new Vertices().table);
  }

  /** A function of each entry; a mask goes along. */
  private record Plain<V extends GraphVertex>(BiFunction<V, SDVariable, SDVariable> function)
      implements VertexConverter<V> {
    @Override
    public LayerOutput convert(V conf, ConversionContext context) {
      return context.input().with(function.apply(conf, context.input().variable()));
    }
  }

  private <V extends GraphVertex> void put(Class<V> vertex, VertexConverter<? super V> converter) {
    table.put(vertex, converter);
  }
}
