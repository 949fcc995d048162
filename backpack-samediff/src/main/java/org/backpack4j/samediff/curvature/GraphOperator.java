package org.backpack4j.samediff.curvature;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.extension.Columns;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.internal.evaluate.Vectors;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** The matrix of a graph's products with vectors that are fed, for one batch. */
final class GraphOperator implements LinearOperator {
  private final ExtendedGraph graph;
  private final Map<String, INDArray> feeds;
  private final Map<String, String> products;
  private final Map<String, String> placeholders = new LinkedHashMap<>();
  private final ParameterLayout layout;

  /** How many vectors the graph takes at once; 0 for one, without an axis of its own. */
  private final int width;

  GraphOperator(ExtendedGraph graph, Extension extension, Map<String, INDArray> feeds) {
    Columns.Kind kind = extension.columns().kind();
    if (!kind.ofVectors() || extension.ofPredictions()) {
      throw new IllegalArgumentException(
          "\""
              + extension.field()
              + "\" gives no products with vectors: extend the graph by GGNProduct,"
              + " HessianProduct, PCHProduct or FisherProduct.");
    }
    this.graph = graph;
    this.feeds = Map.copyOf(feeds);
    this.width = extension.columns().vectorCount();
    this.products = graph.outputsOf(extension);
    if (products.isEmpty()) {
      throw new IllegalArgumentException(
          "The graph has no output \""
              + extension.field()
              + "\": extend it by this extension. Its outputs are "
              + graph.outputNames()
              + ".");
    }
    Map<String, long[]> shapes = new LinkedHashMap<>();
    products.forEach(
        (parameter, product) -> {
          String placeholder = parameter + ".vector";
          if (feeds.containsKey(placeholder)) {
            throw new IllegalArgumentException(
                "\"" + placeholder + "\" is fed; vectors are given to times(…).");
          }
          placeholders.put(parameter, placeholder);
          shapes.put(parameter, parameterShape(product));
        });
    this.layout = ParameterLayout.of(shapes);
  }

  private long[] parameterShape(String product) {
    long[] shape = graph.shape(product);
    if (width == 0) {
      return shape;
    }
    if (shape[0] != width) {
      throw new IllegalArgumentException(
          "\"" + product + "\" has " + shape[0] + " vectors, the extension " + width + ".");
    }
    return Arrays.copyOfRange(shape, 1, shape.length);
  }

  @Override
  public ParameterLayout layout() {
    return layout;
  }

  @Override
  public INDArray times(INDArray vectors) {
    INDArray rows = Vectors.checked(layout, vectors);
    INDArray result = Nd4j.create(DataType.DOUBLE, rows.shape());
    long at = 0;
    while (at < rows.size(0)) {
      long to = Math.min(rows.size(0), at + Math.max(1, width));
      Vectors.rows(result, at, to).assign(Vectors.rows(product(rows, at, to), 0, to - at));
      at = to;
    }
    return result;
  }

  /** The products of some rows, filled up by zeros to as many as the graph takes. */
  private INDArray product(INDArray rows, long from, long to) {
    INDArray some = Nd4j.create(DataType.DOUBLE, Math.max(1, width), layout.size());
    Vectors.rows(some, 0, to - from).assign(Vectors.rows(rows, from, to));
    Map<String, INDArray> all = new LinkedHashMap<>(feeds);
    layout
        .split(width == 0 ? some.reshape(layout.size()) : some)
        .forEach((parameter, part) -> all.put(placeholder(parameter), typed(parameter, part)));
    List<String> names = new ArrayList<>(products.values());
    Map<String, INDArray> out = graph.output(all, names);
    Map<String, INDArray> parts = new LinkedHashMap<>();
    products.forEach((parameter, product) -> parts.put(parameter, out.get(product)));
    return width == 0 ? layout.join(parts).reshape(1, layout.size()) : layout.joinRows(parts);
  }

  private String placeholder(String parameter) {
    return placeholders.getOrDefault(parameter, parameter);
  }

  private INDArray typed(String parameter, INDArray part) {
    return part.castTo(graph.sameDiff().getVariable(placeholder(parameter)).dataType());
  }
}
