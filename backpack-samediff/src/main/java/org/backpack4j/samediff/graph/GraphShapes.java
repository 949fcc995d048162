package org.backpack4j.samediff.graph;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The nodes of a graph in order, and every variable's shape, read off two dry runs with different
 * numbers of samples: what differs grows with them. SameDiff itself knows no shape before something
 * has run.
 */
public final class GraphShapes {
  /** The number of samples in the first dry run. */
  public static final int FEW = 2;

  /** The number of samples in the second dry run. */
  public static final int MORE = 3;

  private final SameDiff graph;
  private final List<Node> nodes = new ArrayList<>();
  private final Map<String, Dims> dims = new HashMap<>();
  private final Map<String, DataType> types = new HashMap<>();
  private final Settled settled;
  private final Map<String, Integer> sampleAxes;

  private GraphShapes(SameDiff graph, Map<String, Integer> sampleAxes) {
    this.graph = graph;
    this.sampleAxes = sampleAxes;
    this.settled = new Settled(graph);
  }

  /**
   * Runs a graph twice.
   *
   * @param graph the graph
   * @param targets the variables to reach, such as the losses
   * @param given the axes named by the person, by placeholder; every other placeholder has its
   *     samples on axis 0 if its shape is [−1, …] there
   * @return the shapes
   * @throws IllegalArgumentException if a placeholder's shape is not known, or an extent grows in
   *     another way than in proportion to the number of samples
   */
  public static GraphShapes of(
      SameDiff graph, Collection<String> targets, Map<String, Integer> given) {
    Map<String, SDVariable> needed = placeholders(graph, targets);
    Map<String, Integer> axes = new LinkedHashMap<>();
    for (SDVariable v : needed.values()) {
      Integer axis = sampleAxis(v, given.get(v.name()));
      if (axis != null) {
        axes.put(v.name(), axis);
      }
    }
    if (axes.isEmpty()) {
      throw new IllegalArgumentException(
          "No placeholder has a sample axis: the losses depend on the placeholders "
              + needed.keySet()
              + ", and none has a shape that begins with −1. Declare the input with −1 as its first"
              + " extent, or name the axis with BackPack.on(sd).sampleAxis(placeholder, axis).");
    }
    GraphShapes shapes = new GraphShapes(graph, axes);
    Map<String, long[]> few = shapes.dryRun(needed, targets, FEW, true);
    Map<String, long[]> more = shapes.dryRun(needed, targets, MORE, false);
    few.forEach((name, shape) -> shapes.dims.put(name, compare(name, shape, more.get(name))));
    return shapes;
  }

  private static Map<String, SDVariable> placeholders(SameDiff graph, Collection<String> targets) {
    Map<String, SDVariable> needed = new LinkedHashMap<>();
    Walk.order(graph, targets).stream()
        .filter(op -> op.getInputsToOp() != null)
        .flatMap(op -> op.getInputsToOp().stream())
        .map(graph::getVariable)
        .filter(SDVariable::isPlaceHolder)
        .forEach(v -> needed.put(v.name(), v));
    return needed;
  }

  private static @Nullable Integer sampleAxis(SDVariable placeholder, @Nullable Integer given) {
    long[] shape = placeholder.placeholderShape();
    String name = placeholder.name();
    if (shape == null) {
      throw new IllegalArgumentException(
          "The placeholder \""
              + name
              + "\" has no shape. Declare it with one, −1 for the number of samples, as in"
              + " sd.placeHolder(\""
              + name
              + "\", type, -1, 784).");
    }
    int moving = -1;
    for (int k = 0; k < shape.length; k++) {
      if (shape[k] < 0) {
        if (moving >= 0 || (given != null && given != k) || (given == null && k > 0)) {
          throw new IllegalArgumentException(
              "The placeholder \""
                  + name
                  + "\" has the shape "
                  + java.util.Arrays.toString(shape)
                  + ": axis "
                  + k
                  + " is not fixed. Only the sample axis may be; give the others their extents, and"
                  + " if the samples are not on axis 0, name their axis with"
                  + " BackPack.on(sd).sampleAxis(\""
                  + name
                  + "\", axis).");
        }
        moving = k;
      }
    }
    return given != null ? given : moving >= 0 ? moving : null;
  }

  private Map<String, long[]> dryRun(
      Map<String, SDVariable> placeholders,
      Collection<String> targets,
      int samples,
      boolean first) {
    Map<String, INDArray> feeds = new HashMap<>();
    placeholders.forEach((name, v) -> feeds.put(name, dummy(v, samples)));
    Map<String, long[]> shapes = new LinkedHashMap<>();
    Walk.dryRun(
        graph,
        feeds,
        targets,
        (op, inputs, outputs) -> {
          List<String> arguments = op.getInputsToOp() == null ? List.of() : op.getInputsToOp();
          for (int k = 0; k < arguments.size(); k++) {
            shapes.put(arguments.get(k), inputs.get(k).shape());
            types.put(arguments.get(k), inputs.get(k).dataType());
          }
          for (int k = 0; k < outputs.size(); k++) {
            shapes.put(op.getOutputsOfOp().get(k), outputs.get(k).shape());
            types.put(op.getOutputsOfOp().get(k), outputs.get(k).dataType());
          }
          settled.note(samples, op, outputs);
          if (first) {
            nodes.add(new Node(op.getName(), op.getOp(), arguments, op.getOutputsOfOp()));
          }
        });
    return shapes;
  }

  /** Any admissible values: numbers between 0.3 and 0.7, zeros as indices. */
  private INDArray dummy(SDVariable placeholder, int samples) {
    long[] shape = placeholder.placeholderShape().clone();
    Integer axis = sampleAxes.get(placeholder.name());
    if (axis != null) {
      shape[axis] = samples;
    }
    INDArray zeros = Nd4j.zeros(placeholder.dataType(), shape);
    if (!placeholder.dataType().isFPType()) {
      return zeros;
    }
    for (long i = 0; i < Math.min(zeros.length(), 4096); i++) {
      zeros.putScalar(i, 0.3 + 0.4 * ((i * 0.618034) % 1));
    }
    return zeros;
  }

  private static Dims compare(String name, long[] few, long @Nullable [] more) {
    if (more == null || few.length != more.length) {
      throw new IllegalArgumentException(
          "The rank of \"" + name + "\" depends on the number of samples.");
    }
    List<Dim> dims = new ArrayList<>();
    for (int k = 0; k < few.length; k++) {
      if (few[k] == more[k]) {
        dims.add(Dim.of(few[k]));
      } else if (few[k] * MORE == more[k] * FEW) {
        dims.add(new Dim(few[k] / FEW, true));
      } else {
        throw new IllegalArgumentException(
            "Axis "
                + k
                + " of \""
                + name
                + "\" has the extent "
                + few[k]
                + " for "
                + FEW
                + " samples and "
                + more[k]
                + " for "
                + MORE
                + ": only extents in proportion to the number of samples are supported.");
      }
    }
    if (dims.stream().filter(Dim::samples).count() > 1) {
      throw new IllegalArgumentException(
          "\""
              + name
              + "\" has the shape "
              + dims
              + ": more than one axis grows with the number of samples N.");
    }
    return new Dims(dims);
  }

  /**
   * The graph.
   *
   * @return the graph
   */
  public SameDiff graph() {
    return graph;
  }

  /**
   * The nodes on the way to the targets.
   *
   * @return the nodes, each behind those whose results it reads
   */
  public List<Node> nodes() {
    return nodes;
  }

  /**
   * A variable's shape.
   *
   * @param variable the variable's name
   * @return the shape
   */
  public Dims dims(String variable) {
    Dims found = dims.get(variable);
    if (found == null) {
      throw new IllegalArgumentException("\"" + variable + "\" is not on the way to a loss.");
    }
    return found;
  }

  /**
   * What a variable is whatever is fed: computed from shapes and constants alone, not of a floating
   * point type.
   *
   * @param variable the variable's name
   * @param samples the number of samples, {@link #FEW} or {@link #MORE}
   * @return its value, not to be changed; null if it depends on more than the number of samples
   */
  public @Nullable INDArray settled(String variable, int samples) {
    return settled.value(variable, samples);
  }

  /**
   * Whether a variable depends on nothing but the number of samples: computed from shapes and
   * constants alone, of any type.
   *
   * @param variable the variable's name
   * @return true if no feed's entries and no parameter have anything to do with it
   */
  public boolean isSettled(String variable) {
    return settled.contains(variable);
  }

  /**
   * Whether the losses depend on a variable.
   *
   * @param variable the variable's name
   * @return true if its shape is known
   */
  public boolean reaches(String variable) {
    return dims.containsKey(variable);
  }

  /**
   * A variable's data type.
   *
   * @param variable the variable's name
   * @return the type
   */
  public DataType type(String variable) {
    DataType type = types.get(variable);
    return type == null ? graph.getVariable(variable).dataType() : type;
  }

  /**
   * Where a placeholder, parameter or constant has its sample axis.
   *
   * @param variable its name
   * @return the placement
   */
  public Placement entrance(String variable) {
    Integer axis = sampleAxes.get(variable);
    return axis == null ? Placement.SHARED : Placement.samples(axis);
  }

  /**
   * The placeholders with a sample axis.
   *
   * @return for each its axis
   */
  public Map<String, Integer> sampleAxes() {
    return sampleAxes;
  }
}
