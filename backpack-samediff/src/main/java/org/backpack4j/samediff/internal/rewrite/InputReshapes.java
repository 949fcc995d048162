package org.backpack4j.samediff.internal.rewrite;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.backpack4j.samediff.internal.nd4j.VariableLookup;
import org.nd4j.autodiff.samediff.NameScope;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.autodiff.samediff.internal.Variable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Lets every op read placeholders, parameters and constants through a {@code reshape} to their own
 * shape, behind which all arrays are contiguous and in 'c' order.
 *
 * <p>M2.1's array cache corrupts results from the second evaluation on as soon as an array in 'f'
 * order gets into a graph, and elementwise ops of 'f' arrays answer in 'f' order. A reshape answers
 * in 'c' order whatever it reads. So a graph that is laid out is right with the default cache, at
 * each evaluation, for feeds and parameters of any layout, also after save and load.
 *
 * <p>Read through a reshape are
 *
 * <ul>
 *   <li>placeholders of rank one and more, of any type but text; a placeholder whose shape has more
 *       than one unknown extent, or of a floating type and unknown rank, is reshaped to the shape
 *       that it turns out to have;
 *   <li>parameters of rank one and more;
 *   <li>constants of rank two and more.
 * </ul>
 *
 * <p>A scalar has no layout, and neither has a constant vector: SameDiff stores it contiguously. An
 * array without elements is left alone.
 */
public final class InputReshapes {
  private final SameDiff graph;
  private final Map<String, List<SameDiffOp>> consumers = new LinkedHashMap<>();

  private InputReshapes(SameDiff graph) {
    this.graph = graph;
    for (SameDiffOp op : graph.getOps().values()) {
      if (op.getInputsToOp() != null) {
        for (String input : op.getInputsToOp()) {
          consumers.computeIfAbsent(input, name -> new ArrayList<>()).add(op);
        }
      }
    }
  }

  /**
   * Lays a graph out, in place. A graph that is laid out already does not change.
   *
   * @param graph the graph, a copy of the person's
   * @throws IllegalArgumentException if the name of an entrance is that of another variable;
   *     nothing has been changed then
   */
  public static void apply(SameDiff graph) {
    new InputReshapes(graph).apply();
  }

  /**
   * Names the variable through which ops read another.
   *
   * @param name a placeholder, parameter or constant
   * @return the name of its entrance
   */
  public static String name(String name) {
    return "backpack/" + name + "/entrance";
  }

  /**
   * Looks through an entrance.
   *
   * @param graph the graph
   * @param name any name
   * @return the placeholder, parameter or constant that this variable is the entrance of, if it is
   *     one
   */
  public static Optional<String> behind(SameDiff graph, String name) {
    Variable variable = graph.getVariables().get(name);
    if (variable == null || variable.getOutputOfOp() == null) {
      return Optional.empty();
    }
    SameDiffOp op = graph.getOps().get(variable.getOutputOfOp());
    return Optional.ofNullable(op)
        .map(SameDiffOp::getInputsToOp)
        .filter(inputs -> !inputs.isEmpty())
        .map(inputs -> inputs.get(0))
        .filter(input -> name.equals(name(input)));
  }

  private void apply() {
    List<SDVariable> entering = new ArrayList<>();
    for (Variable variable : graph.getVariables().values()) {
      if (enters(variable)) {
        entering.add(variable.getVariable());
      }
    }
    for (SDVariable variable : entering) {
      if (graph.hasVariable(name(variable.name()))) {
        throw new IllegalArgumentException(
            "The graph has a variable \""
                + name(variable.name())
                + "\": that name is taken for the layout of \""
                + variable.name()
                + "\".");
      }
    }
    entering.forEach(this::addEntrance);
  }

  private boolean enters(Variable variable) {
    String name = variable.getName();
    return consumers.containsKey(name)
        && behind(graph, name(name)).isEmpty()
        && hasLayout(variable.getVariable());
  }

  private static boolean hasLayout(SDVariable variable) {
    DataType type = variable.dataType();
    return switch (variable.getVariableType()) {
      case PLACEHOLDER -> type != DataType.UTF8 && hasLayout(type, placeholderShape(variable));
      case VARIABLE -> hasLayout(variable, 1);
      case CONSTANT -> type != DataType.UTF8 && hasLayout(variable, 2);
      default -> false;
    };
  }

  private static boolean hasLayout(DataType type, long[] placeholderShape) {
    return placeholderShape.length == 0
        ? type.isFPType()
        : Arrays.stream(placeholderShape).noneMatch(extent -> extent == 0);
  }

  private static boolean hasLayout(SDVariable variable, int rank) {
    INDArray array = variable.getArr();
    return array != null && array.rank() >= rank && !array.isEmpty();
  }

  /** No extents if the rank is unknown, or zero: M2.1 does not tell these apart. */
  private static long[] placeholderShape(SDVariable variable) {
    long[] shape = variable.placeholderShape();
    return shape == null ? new long[0] : shape;
  }

  private void addEntrance(SDVariable variable) {
    long[] shape =
        variable.isPlaceHolder() ? placeholderShape(variable) : variable.getArr().shape();
    boolean computed =
        shape.length == 0 || Arrays.stream(shape).filter(extent -> extent < 0).count() > 1;
    // The scope also keeps the names of our ops apart from those of the person's variables.
    NameScope scope = graph.withNameScope("backpack/" + variable.name());
    try {
      SDVariable entrance =
          computed
              ? graph.reshape("entrance", variable, graph.shape(variable))
              : graph.reshape("entrance", variable, shape);
      rewire(variable.name(), entrance.name());
    } finally {
      scope.close();
    }
  }

  private void rewire(String from, String to) {
    List<String> readers = new ArrayList<>();
    for (SameDiffOp op : consumers.getOrDefault(from, List.of())) {
      List<String> inputs = new ArrayList<>(op.getInputsToOp());
      inputs.replaceAll(input -> input.equals(from) ? to : input);
      op.setInputsToOp(inputs);
      if (!readers.contains(op.getName())) {
        readers.add(op.getName());
      }
    }
    VariableLookup.variable(graph, from).getInputsForOp().removeAll(readers);
    VariableLookup.variable(graph, to).setInputsForOp(readers);
  }
}
