package org.backpack4j.dl4j.blocks;

import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;

/** Adds branches up: DL4J's {@code ElementWiseVertex(Add)} under BackPACK's name. */
public final class SumModule {
  private SumModule() {}

  /**
   * The vertex.
   *
   * @return a vertex that adds its inputs
   */
  public static ElementWiseVertex vertex() {
    return new ElementWiseVertex(ElementWiseVertex.Op.Add);
  }
}
