package org.backpack4j.dl4j.internal.convert;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;

/** The placeholders of a converted graph. */
final class Entrances {
  private final SameDiff graph;
  private final DataType type;

  /** For what belongs to one iteration, how many rows a sample has. */
  private final Map<String, Long> given = new LinkedHashMap<>();

  Entrances(SameDiff graph, DataType type) {
    this.graph = graph;
    this.type = type;
  }

  /**
   * A placeholder. It is read through a reshape to its own shape: M2.1's array cache goes wrong on
   * arrays in 'f' order, and what a reshape answers is in 'c' order.
   */
  SDVariable of(String name, long... dims) {
    return graph.reshape(graph.placeHolder(name, type, dims), dims);
  }

  /** The same for a shape that batches have. */
  LayerOutput of(String name, List<Long> dims) {
    long[] shape = BatchShape.array(dims);
    return new LayerOutput(of(name, shape), shape);
  }

  /** A placeholder for what belongs to one iteration; rows of one sample are an axis there. */
  LayerOutput given(String name, List<Long> dims) {
    long rows = dims.get(0);
    given.put(name, rows);
    long[] folded = BatchShape.array(dims);
    folded[0] = -1;
    if (rows == 1) {
      return new LayerOutput(of(name, folded), folded);
    }
    long[] apart = new long[folded.length + 1];
    int[] rowsFirst = IntStream.range(0, apart.length).toArray();
    System.arraycopy(folded, 1, apart, 2, folded.length - 1);
    apart[0] = -1;
    apart[1] = rows;
    rowsFirst[0] = 1;
    rowsFirst[1] = 0;
    SDVariable laidOut = graph.permute(of(name, apart), rowsFirst);
    return new LayerOutput(graph.reshape(laidOut, folded), folded).withSteps(rows);
  }

  boolean isGiven(String name) {
    return given.containsKey(name);
  }

  Map<String, Long> given() {
    return given;
  }
}
