package org.backpack4j.dl4j.vertex;

import java.util.LinkedHashMap;
import java.util.Map;
import org.backpack4j.dl4j.convert.VertexConverter;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.deeplearning4j.nn.conf.graph.GraphVertex;
import org.deeplearning4j.nn.conf.graph.MergeVertex;

/** Who converts which vertex. */
public final class Vertices {
  private final Map<Class<?>, VertexConverter<?>> table = new LinkedHashMap<>();

  private Vertices() {
    put(ElementWiseVertex.class, new ElementWise());
    put(MergeVertex.class, new Merge());
  }

  /**
   * The table.
   *
   * @return the converters by the class of the vertex' configuration
   */
  public static Map<Class<?>, VertexConverter<?>> table() {
    return Map.copyOf(new Vertices().table);
  }

  private <V extends GraphVertex> void put(Class<V> vertex, VertexConverter<? super V> converter) {
    table.put(vertex, converter);
  }
}
