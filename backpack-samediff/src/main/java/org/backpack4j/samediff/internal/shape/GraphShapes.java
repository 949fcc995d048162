package org.backpack4j.samediff.internal.shape;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.internal.interpret.ReferenceInterpreter;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.internal.ir.GraphProblem;
import org.backpack4j.samediff.internal.ir.GraphProblemException;
import org.backpack4j.samediff.internal.ir.Node;
import org.backpack4j.samediff.spi.Dims;
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
  private final StaticValues settled;
  private final Map<String, Integer> sampleAxes;

  private GraphShapes(SameDiff graph, Map<String, Integer> sampleAxes) {
    this.graph = graph;
    this.sampleAxes = sampleAxes;
    this.settled = new StaticValues(graph);
  }

  /**
   * Runs a graph twice.
   *
   * @param graph the graph
   * @param targets the variables to reach, such as the losses
   * @param given the axes named by the person, by placeholder; every other placeholder has its
   *     samples on axis 0 if its shape is [−1, …] there
   * @return the shapes
   * @throws GraphProblemException if a placeholder has another open axis than that of the samples,
   *     an op fails in a dry run, or an extent grows in another way than in proportion to the
   *     number of samples
   * @throws IllegalArgumentException if no placeholder has a sample axis
   */
  public static GraphShapes of(
      SameDiff graph, Collection<String> targets, Map<String, Integer> given) {
    Map<String, SDVariable> needed = placeholders(graph, targets);
    List<GraphProblem> open = SampleAxes.hindrances(needed.values(), given);
    if (!open.isEmpty()) {
      throw new GraphProblemException(open, null);
    }
    Map<String, Integer> axes = SampleAxes.of(needed.values(), given);
    if (axes.isEmpty()) {
      throw new IllegalArgumentException(
          "No placeholder has a sample axis: the losses depend on the placeholders "
              + needed.keySet()
              + ", and none has a shape that begins with −1. Declare the input with −1 as its first"
              + " extent, or name the axis with BackPack.on(sd).sampleAxis(placeholder, axis).");
    }
    GraphShapes shapes = new GraphShapes(graph, axes);
    DryRuns runs = new DryRuns(graph, targets, axes.keySet());
    shapes.dryRun(needed, runs, FEW);
    shapes.dryRun(needed, runs, MORE);
    shapes.dims.putAll(runs.dims());
    return shapes;
  }

  private static Map<String, SDVariable> placeholders(SameDiff graph, Collection<String> targets) {
    Map<String, SDVariable> needed = new LinkedHashMap<>();
    ReferenceInterpreter.order(graph, targets).stream()
        .filter(op -> op.getInputsToOp() != null)
        .flatMap(op -> op.getInputsToOp().stream())
        .map(graph::getVariable)
        .filter(SDVariable::isPlaceHolder)
        .forEach(v -> needed.put(v.name(), v));
    return needed;
  }

  private void dryRun(Map<String, SDVariable> placeholders, DryRuns runs, int samples) {
    Map<String, INDArray> feeds = new HashMap<>();
    placeholders.forEach((name, v) -> feeds.put(name, dummy(v, samples)));
    runs.run(
        feeds,
        samples,
        settled::settles,
        (op, inputs, outputs) -> {
          List<String> arguments = op.getInputsToOp() == null ? List.of() : op.getInputsToOp();
          for (int k = 0; k < arguments.size(); k++) {
            types.put(arguments.get(k), inputs.get(k).dataType());
          }
          for (int k = 0; k < outputs.size(); k++) {
            types.put(op.getOutputsOfOp().get(k), outputs.get(k).dataType());
          }
          settled.note(samples, op, outputs);
          if (samples == FEW) {
            nodes.add(new Node(op.getName(), op.getOp(), arguments, op.getOutputsOfOp()));
          }
        });
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
   * @return the batchAxis
   */
  public BatchAxis entrance(String variable) {
    Integer axis = sampleAxes.get(variable);
    return axis == null ? BatchAxis.UNBATCHED : BatchAxis.samples(axis);
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
