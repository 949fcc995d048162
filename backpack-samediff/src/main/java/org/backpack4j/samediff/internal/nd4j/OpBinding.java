package org.backpack4j.samediff.internal.nd4j;

import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.BaseOp;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.api.ops.impl.layers.recurrent.weights.RNNWeights;

/**
 * Makes an op object part of another graph: what it remembers of variables is turned into the other
 * graph's variables of the same names.
 */
final class OpBinding {
  private final SameDiff graph;

  /** Names of variables that others take the place of. */
  private final Map<String, String> renamed;

  private OpBinding(SameDiff graph, Map<String, String> renamed) {
    this.graph = graph;
    this.renamed = renamed;
  }

  /**
   * A duplicate of {@code op} that belongs to {@code graph} and shares nothing that can change with
   * the original. It is not entered in the graph's list of ops.
   */
  static DifferentialFunction copy(DifferentialFunction op, SameDiff graph) {
    return copy(op, graph, Map.of());
  }

  /** The same with other variables in the place of some, as {@code renamed} says by name. */
  static DifferentialFunction copy(
      DifferentialFunction op, SameDiff graph, Map<String, String> renamed) {
    DifferentialFunction copy = OpFields.copy(op);
    new OpBinding(graph, renamed).bind(copy);
    return copy;
  }

  private void bind(DifferentialFunction op) {
    try {
      for (Field field : OpFields.of(op.getClass())) {
        field.set(op, bound(field.get(op)));
      }
    } catch (ReflectiveOperationException e) {
      throw new IllegalArgumentException(
          "The op \"" + op.getOwnName() + "\" (" + op.opName() + ") cannot be copied.", e);
    }
    op.setSameDiff(graph);
    // What the graph says the outputs are holds; an op keeps its own note after a renaming.
    if (op instanceof DynamicCustomOp customOp) {
      customOp.setOutputVariables(null);
    } else if (op instanceof BaseOp legacyOp) {
      legacyOp.setZVertexId(null);
    }
  }

  private @Nullable Object bound(@Nullable Object value) throws ReflectiveOperationException {
    if (value instanceof SDVariable variable) {
      return graph.getVariable(renamed.getOrDefault(variable.name(), variable.name()));
    }
    if (value instanceof SDVariable[] variables) {
      SDVariable[] bound = new SDVariable[variables.length];
      for (int i = 0; i < bound.length; i++) {
        bound[i] = (SDVariable) bound(variables[i]);
      }
      return bound;
    }
    if (value instanceof List<?> list) {
      List<@Nullable Object> bound = new ArrayList<>();
      for (Object element : list) {
        bound.add(bound(element));
      }
      return bound;
    }
    if (value instanceof Map<?, ?> map) {
      Map<Object, @Nullable Object> bound = new LinkedHashMap<>();
      for (Map.Entry<?, ?> entry : map.entrySet()) {
        bound.put(entry.getKey(), bound(entry.getValue()));
      }
      return bound;
    }
    if (value instanceof RNNWeights weights) {
      return bound(weights);
    }
    return value instanceof INDArray array ? array.dup() : value;
  }

  /** The weights of a recurrent layer; such a class has one constructor, which takes all fields. */
  private RNNWeights bound(RNNWeights weights) throws ReflectiveOperationException {
    Constructor<?> constructor = weights.getClass().getDeclaredConstructors()[0];
    constructor.setAccessible(true);
    List<@Nullable Object> arguments = new ArrayList<>();
    for (Field field : weights.getClass().getDeclaredFields()) {
      field.setAccessible(true);
      arguments.add(bound(field.get(weights)));
    }
    return (RNNWeights) constructor.newInstance(arguments.toArray());
  }
}
