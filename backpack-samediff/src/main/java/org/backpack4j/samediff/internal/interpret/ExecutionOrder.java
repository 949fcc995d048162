package org.backpack4j.samediff.internal.interpret;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.PriorityQueue;
import java.util.Set;
import org.backpack4j.samediff.internal.nd4j.VariableLookup;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.autodiff.samediff.internal.Variable;

/**
 * The ops that given variables need, each after those it depends on.
 *
 * <p>Among ops that could run next the one that was added to the graph first does, so that the
 * order is the one in which the graph was written wherever that is possible, and always the same.
 * Nothing here is recursive: a chain of ten thousand ops is no deeper than one of ten.
 */
final class ExecutionOrder {
  private final SameDiff graph;
  private final Map<String, Integer> position = new HashMap<>();

  private ExecutionOrder(SameDiff graph) {
    this.graph = graph;
    for (String op : graph.getOps().keySet()) {
      position.put(op, position.size());
    }
  }

  /**
   * The ops that {@code names} need, in execution order.
   *
   * @throws IllegalArgumentException if a name is not a variable of the graph
   * @throws UnsupportedOperationException if the ops form a loop
   */
  static List<SameDiffOp> of(SameDiff graph, Collection<String> names) {
    return new ExecutionOrder(graph).sort(names);
  }

  private List<SameDiffOp> sort(Collection<String> names) {
    Map<String, Set<String>> dependencies = needed(names);
    Map<String, List<String>> dependents = new HashMap<>();
    Map<String, Integer> open = new HashMap<>();
    PriorityQueue<String> ready = new PriorityQueue<>(Comparator.comparingInt(this::position));
    dependencies.forEach(
        (op, befores) -> {
          open.put(op, befores.size());
          for (String before : befores) {
            dependents.computeIfAbsent(before, key -> new ArrayList<>()).add(op);
          }
          if (befores.isEmpty()) {
            ready.add(op);
          }
        });
    List<SameDiffOp> sorted = new ArrayList<>(dependencies.size());
    while (!ready.isEmpty()) {
      String op = ready.remove();
      sorted.add(VariableLookup.op(graph, op));
      for (String dependent : dependents.getOrDefault(op, List.of())) {
        if (open.merge(dependent, -1, Integer::sum) == 0) {
          ready.add(dependent);
        }
      }
    }
    if (sorted.size() < dependencies.size()) {
      Set<String> looping = new LinkedHashSet<>(dependencies.keySet());
      sorted.forEach(op -> looping.remove(op.getName()));
      throw new UnsupportedOperationException(
          "The ops " + looping + " depend on each other in a circle: loops are not supported.");
    }
    return sorted;
  }

  /** Every needed op with the ops that must run before it. */
  private Map<String, Set<String>> needed(Collection<String> names) {
    Map<String, Set<String>> dependencies = new HashMap<>();
    Deque<String> open = new ArrayDeque<>();
    for (String name : names) {
      addProducer(name, open);
    }
    while (!open.isEmpty()) {
      String op = open.pop();
      if (!dependencies.containsKey(op)) {
        Set<String> befores = befores(VariableLookup.op(graph, op));
        dependencies.put(op, befores);
        open.addAll(befores);
      }
    }
    return dependencies;
  }

  /** The ops that compute an op's inputs, and those that it has a control dependency on. */
  private Set<String> befores(SameDiffOp op) {
    Set<String> befores = new HashSet<>(orEmpty(op.getControlDeps()));
    for (String input : orEmpty(op.getInputsToOp())) {
      addProducer(input, befores);
    }
    befores.retainAll(position.keySet());
    return befores;
  }

  /** Adds the op that computes a variable, if one does. */
  private void addProducer(String name, Collection<String> ops) {
    Variable variable = graph.getVariables().get(name);
    if (variable == null) {
      throw new IllegalArgumentException("The graph has no variable \"" + name + "\".");
    }
    String producer = variable.getOutputOfOp();
    if (producer != null && position.containsKey(producer)) {
      ops.add(producer);
    }
  }

  private int position(String name) {
    return Objects.requireNonNull(position.get(name));
  }

  private static List<String> orEmpty(@Nullable List<String> list) {
    return list == null ? List.of() : list;
  }
}
