package org.backpack4j.samediff.curvature;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.QuantityResults;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Where the entries of parameters stand in a flat vector: one parameter behind the other, each in
 * 'c' order (the last axis changes first). That is not the order of Deeplearning4j's {@code
 * params()}, whose dense weights are in 'f' order.
 */
public final class ParameterLayout {
  private static final String GRADIENT = ".grad";

  private final Map<String, long[]> shapes;
  private final Map<String, Long> offsets;
  private final long size;

  private ParameterLayout(Map<String, long[]> shapes) {
    this.shapes = shapes;
    this.offsets = new LinkedHashMap<>();
    long offset = 0;
    for (Map.Entry<String, long[]> parameter : shapes.entrySet()) {
      offsets.put(parameter.getKey(), offset);
      offset = Math.addExact(offset, length(parameter.getValue()));
    }
    this.size = offset;
  }

  /**
   * A layout of parameters.
   *
   * @param shapes the parameters' shapes by their names, in their order
   * @return the layout
   * @throws IllegalArgumentException if there is no parameter, or an extent is negative
   */
  public static ParameterLayout of(Map<String, long[]> shapes) {
    if (shapes.isEmpty()) {
      throw new IllegalArgumentException("A layout needs at least one parameter.");
    }
    Map<String, long[]> copy = new LinkedHashMap<>();
    shapes.forEach(
        (name, shape) -> {
          if (Arrays.stream(shape).anyMatch(extent -> extent < 0)) {
            throw new IllegalArgumentException(
                "\"" + name + "\" has the shape " + Arrays.toString(shape) + ".");
          }
          copy.put(name, shape.clone());
        });
    return new ParameterLayout(copy);
  }

  /**
   * The layout of an extended graph's parameters, in the order of the graph.
   *
   * @param graph the extended graph
   * @return the layout of all parameters that it has a gradient of
   */
  public static ParameterLayout of(ExtendedGraph graph) {
    Map<String, long[]> shapes = new LinkedHashMap<>();
    for (String parameter : graph.parameters()) {
      String gradient = graph.outputsOf(parameter).get("grad");
      if (gradient != null) {
        shapes.put(parameter, graph.shape(gradient));
      }
    }
    return of(shapes);
  }

  /**
   * The layout of the parameters that results have a gradient of, in their order.
   *
   * @param results the quantities of a batch
   * @return the layout
   * @throws IllegalArgumentException if there is no gradient
   */
  public static ParameterLayout of(QuantityResults results) {
    Map<String, long[]> shapes = new LinkedHashMap<>();
    results
        .outputs()
        .forEach(
            (name, array) -> {
              if (name.endsWith(GRADIENT)) {
                shapes.put(name.substring(0, name.length() - GRADIENT.length()), array.shape());
              }
            });
    return of(shapes);
  }

  /**
   * Some of the parameters, in this layout's order.
   *
   * @param names their names
   * @return a layout of their own
   * @throws IllegalArgumentException if a name is unknown or there is none
   */
  public ParameterLayout only(Collection<String> names) {
    names.forEach(this::known);
    Map<String, long[]> some = new LinkedHashMap<>(shapes);
    some.keySet().retainAll(names);
    return of(some);
  }

  /**
   * The parameters.
   *
   * @return their names, in order
   */
  public List<String> names() {
    return List.copyOf(shapes.keySet());
  }

  /**
   * A parameter's shape.
   *
   * @param name the parameter's name
   * @return its shape
   * @throws IllegalArgumentException if the name is unknown
   */
  public long[] shape(String name) {
    return known(name).clone();
  }

  /**
   * Where a parameter's first entry stands.
   *
   * @param name the parameter's name
   * @return the number of entries before it
   * @throws IllegalArgumentException if the name is unknown
   */
  public long offset(String name) {
    known(name);
    return offsets.getOrDefault(name, 0L);
  }

  /**
   * The number of a parameter's entries.
   *
   * @param name the parameter's name
   * @return how many
   * @throws IllegalArgumentException if the name is unknown
   */
  public long size(String name) {
    return length(known(name));
  }

  /**
   * The number of all entries.
   *
   * @return D
   */
  public long size() {
    return size;
  }

  /**
   * Takes flat vectors apart.
   *
   * @param flat one vector [D], or several as rows [V, D]
   * @return for each parameter a new array in 'c' order: [P…] of one vector, [V, P…] of several
   * @throws IllegalArgumentException if the vectors have another number of entries
   */
  public Map<String, INDArray> split(INDArray flat) {
    boolean several = flat.rank() == 2;
    if (flat.rank() < 1 || flat.rank() > 2 || flat.size(flat.rank() - 1) != size) {
      throw new IllegalArgumentException(
          "A vector of "
              + this
              + " is ["
              + size
              + "], several are [V, "
              + size
              + "]; given is "
              + Arrays.toString(flat.shape())
              + ".");
    }
    long rows = several ? flat.size(0) : 1;
    INDArray matrix = flat.reshape(rows, size);
    Map<String, INDArray> parts = new LinkedHashMap<>();
    shapes.forEach(
        (name, shape) ->
            parts.put(
                name,
                columns(matrix, name).dup('c').reshape('c', several ? with(rows, shape) : shape)));
    return parts;
  }

  /**
   * Makes a flat vector of an array for each parameter, such as gradients.
   *
   * @param parts for each parameter an array [P…] of any floating type; others are left aside
   * @return a new vector [D] of type DOUBLE
   * @throws IllegalArgumentException if a parameter has no array, or one of another shape
   */
  public INDArray join(Map<String, INDArray> parts) {
    INDArray flat = Nd4j.create(DataType.DOUBLE, 1, size);
    shapes.forEach((name, shape) -> put(flat, name, part(parts, name), shape));
    return flat.reshape(size);
  }

  /**
   * Makes flat vectors of several for each parameter, such as the gradients of samples.
   *
   * @param parts for each parameter an array [V, P…] of any floating type; others are left aside
   * @return a new array [V, D] of type DOUBLE, in 'c' order
   * @throws IllegalArgumentException if a parameter has no array, or one of another shape
   */
  public INDArray joinRows(Map<String, INDArray> parts) {
    INDArray first = part(parts, names().get(0));
    long rows = first.rank() == 0 ? 1 : first.size(0);
    INDArray flat = Nd4j.create(DataType.DOUBLE, rows, size);
    shapes.forEach((name, shape) -> put(flat, name, part(parts, name), with(rows, shape)));
    return flat;
  }

  private void put(INDArray flat, String name, INDArray part, long[] expected) {
    if (!Arrays.equals(part.shape(), expected)) {
      throw new IllegalArgumentException(
          "\""
              + name
              + "\" needs an array of the shape "
              + Arrays.toString(expected)
              + "; given is "
              + Arrays.toString(part.shape())
              + ".");
    }
    if (part.length() > 0) {
      INDArray row = part.castTo(DataType.DOUBLE).dup('c').reshape(flat.size(0), size(name));
      columns(flat, name).assign(row);
    }
  }

  /** A parameter's columns of a matrix [V, D], as a view. */
  INDArray columns(INDArray matrix, String name) {
    long from = offset(name);
    return matrix.get(NDArrayIndex.all(), NDArrayIndex.interval(from, from + size(name)));
  }

  private static INDArray part(Map<String, INDArray> parts, String name) {
    INDArray part = parts.get(name);
    if (part == null) {
      throw new IllegalArgumentException(
          "There is no array for \"" + name + "\"; there are some for " + parts.keySet() + ".");
    }
    return part;
  }

  private long[] known(String name) {
    long[] shape = shapes.get(name);
    if (shape == null) {
      throw new IllegalArgumentException(
          "\"" + name + "\" is no parameter of this layout; they are " + shapes.keySet() + ".");
    }
    return shape;
  }

  static long[] with(long first, long[] shape) {
    long[] all = new long[shape.length + 1];
    all[0] = first;
    System.arraycopy(shape, 0, all, 1, shape.length);
    return all;
  }

  private static long length(long[] shape) {
    long length = 1;
    for (long extent : shape) {
      length = Math.multiplyExact(length, extent);
    }
    return length;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof ParameterLayout
        && entries().equals(((ParameterLayout) other).entries());
  }

  @Override
  public int hashCode() {
    return entries().hashCode();
  }

  /** The parameters with their shapes. */
  @Override
  public String toString() {
    return String.join(", ", entries());
  }

  private List<String> entries() {
    List<String> entries = new ArrayList<>();
    shapes.forEach((name, shape) -> entries.add("\"" + name + "\" " + Arrays.toString(shape)));
    return entries;
  }
}
