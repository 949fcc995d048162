package org.backpack4j.samediff.internal.interpret;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.backpack4j.samediff.internal.nd4j.Contiguous;
import org.backpack4j.samediff.internal.rewrite.InputReshapes;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.VariableType;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The plainest evaluation of a graph: the ops that are needed, one after the other, each into
 * arrays of its own.
 *
 * <p>There is no session and no array cache, so nothing of one evaluation can get into another, and
 * the layout of feeds and parameters makes no difference: whatever an op reads is contiguous and in
 * 'c' order. The graph is only read (an {@code assign} writes to a copy of its target), so any
 * number of threads may walk one graph. An array is let go after the last op that reads it.
 *
 * <p>Not supported are control flow, tensor arrays and ops that draw random numbers: an {@link
 * UnsupportedOperationException} names the op.
 */
public final class ReferenceInterpreter {
  private final SameDiff graph;
  private final Map<String, INDArray> feeds;

  /** In a dry run: what alike ops have answered. */
  private final @Nullable AlikeOps alike;

  private final Map<String, INDArray> known = new HashMap<>();

  /** What the walk did not make itself (parameters, constants, feeds): answered as a copy. */
  private final Set<INDArray> borrowed = Collections.newSetFromMap(new IdentityHashMap<>());

  private ReferenceInterpreter(
      SameDiff graph, Map<String, INDArray> feeds, @Nullable AlikeOps alike) {
    this.graph = graph;
    this.feeds = feeds;
    this.alike = alike;
  }

  /** Is told of each op after it has run. */
  @FunctionalInterface
  public interface Visitor {
    /**
     * Called once for each op, in execution order.
     *
     * @param op the op that has run
     * @param inputs what it read, in the order of its arguments; not to be written to
     * @param outputs what it computed, in the order of its outputs; not to be written to
     */
    void computed(SameDiffOp op, List<INDArray> inputs, List<INDArray> outputs);
  }

  /**
   * The values of {@code names}, in that order. They belong to the caller: one that is a parameter,
   * a constant or a feed is a copy.
   *
   * @param graph the graph, which is not changed
   * @param feeds an array for each placeholder that is needed, in any layout; a data type that is
   *     not the placeholder's is cast to it
   * @param names any variables of the graph
   * @return the values by name
   * @throws IllegalArgumentException if a name is unknown, or a placeholder is not fed
   * @throws UnsupportedOperationException if control flow, a tensor array or random numbers are
   *     needed
   */
  public static Map<String, INDArray> run(
      SameDiff graph, Map<String, INDArray> feeds, Collection<String> names) {
    return run(graph, feeds, names, (op, inputs, outputs) -> {});
  }

  /**
   * As {@link #run(SameDiff, Map, Collection)}, with somebody looking on.
   *
   * @param graph the graph, which is not changed
   * @param feeds an array for each placeholder that is needed
   * @param names any variables of the graph
   * @param visitor sees every op's arrays
   * @return the values by name
   */
  public static Map<String, INDArray> run(
      SameDiff graph, Map<String, INDArray> feeds, Collection<String> names, Visitor visitor) {
    return new ReferenceInterpreter(graph, feeds, null).run(names, visitor);
  }

  /**
   * As {@link #run(SameDiff, Map, Collection, Visitor)} for one who asks for shapes alone: where
   * random numbers would be drawn, one half stands for them, and of ops that are alike only one is
   * run.
   *
   * @param graph the graph, which is not changed
   * @param feeds an array for each placeholder that is needed
   * @param names any variables of the graph
   * @param shapesAlone the ops of whose results nothing but the shapes matters
   * @param visitor sees every op's arrays, once {@code shapesAlone} has been asked of it
   */
  public static void dryRun(
      SameDiff graph,
      Map<String, INDArray> feeds,
      Collection<String> names,
      Predicate<SameDiffOp> shapesAlone,
      Visitor visitor) {
    new ReferenceInterpreter(graph, feeds, new AlikeOps(graph, shapesAlone)).run(names, visitor);
  }

  /**
   * The values of all variables that were computed on the way to {@code names}, in the order of
   * computation, then the values of {@code names} that are parameters, constants or placeholders.
   *
   * @param graph the graph, which is not changed
   * @param feeds an array for each placeholder that is needed
   * @param names any variables of the graph
   * @return the values by name
   */
  public static Map<String, INDArray> runAll(
      SameDiff graph, Map<String, INDArray> feeds, Collection<String> names) {
    Set<String> all = new LinkedHashSet<>();
    for (SameDiffOp op : order(graph, names)) {
      all.addAll(op.getOutputsOfOp());
    }
    all.addAll(names);
    return run(graph, feeds, all);
  }

  /**
   * The ops that {@code names} need, in execution order: as they were added to the graph where that
   * is possible.
   *
   * @param graph the graph
   * @param names any variables of the graph
   * @return the ops
   * @throws IllegalArgumentException if a name is not a variable of the graph
   * @throws UnsupportedOperationException if the ops form a loop
   */
  public static List<SameDiffOp> order(SameDiff graph, Collection<String> names) {
    return ExecutionOrder.of(graph, names);
  }

  /**
   * As {@link #order}, of ops that can be run.
   *
   * @param graph the graph
   * @param names any variables of the graph
   * @return the ops
   * @throws IllegalArgumentException if a name is not a variable of the graph
   * @throws UnsupportedOperationException if control flow, a tensor array or random numbers are
   *     needed
   */
  public static List<SameDiffOp> runnable(SameDiff graph, Collection<String> names) {
    List<SameDiffOp> order = order(graph, names);
    for (SameDiffOp op : order) {
      OpExecution.checkSupported(graph, op);
      RandomOps.refuse(op);
    }
    return order;
  }

  private Map<String, INDArray> run(Collection<String> names, Visitor visitor) {
    checkFeeds();
    List<SameDiffOp> order = alike == null ? runnable(graph, names) : order(graph, names);
    if (alike != null) {
      order.forEach(op -> OpExecution.checkSupported(graph, op));
    }
    Map<String, Integer> uses = uses(order, names);
    for (SameDiffOp op : order) {
      List<String> arguments = op.getInputsToOp() == null ? List.of() : op.getInputsToOp();
      List<INDArray> inputs = new ArrayList<>(arguments.size());
      for (String argument : arguments) {
        inputs.add(value(argument));
      }
      List<INDArray> outputs = entersAsItIs(op) ? List.of(inputs.get(0)) : results(op, inputs);
      for (int i = 0; i < outputs.size(); i++) {
        known.put(op.getOutputsOfOp().get(i), outputs.get(i));
      }
      visitor.computed(
          op, Collections.unmodifiableList(inputs), Collections.unmodifiableList(outputs));
      forget(arguments, uses);
      forget(op.getOutputsOfOp(), uses);
    }
    return answer(names);
  }

  private List<INDArray> results(SameDiffOp op, List<INDArray> inputs) {
    if (RandomOps.draws(op.getOp())) {
      return RandomOps.standIn(graph, op, inputs);
    }
    return alike == null ? OpExecution.run(graph, op, inputs) : alike.run(op, inputs);
  }

  /** A parameter's entrance is the parameter: whatever is walked with is in 'c' order already. */
  private boolean entersAsItIs(SameDiffOp op) {
    return InputReshapes.behind(graph, op.getOutputsOfOp().get(0))
        .map(name -> graph.getVariable(name).getVariableType() == VariableType.VARIABLE)
        .orElse(false);
  }

  private void checkFeeds() {
    for (String name : feeds.keySet()) {
      SDVariable variable = graph.getVariable(name);
      if (variable == null || !variable.isPlaceHolder()) {
        throw new IllegalArgumentException(
            "\"" + name + "\" is fed, but the graph has no placeholder of that name.");
      }
    }
  }

  /** How often each variable is read, and once more where it is an output. */
  private static Map<String, Integer> uses(List<SameDiffOp> order, Collection<String> names) {
    Map<String, Integer> uses = new HashMap<>();
    for (SameDiffOp op : order) {
      if (op.getInputsToOp() != null) {
        op.getInputsToOp().forEach(name -> uses.merge(name, 1, Integer::sum));
      }
      // An output that nobody reads is let go as soon as its op has run.
      op.getOutputsOfOp().forEach(name -> uses.merge(name, 1, Integer::sum));
    }
    names.forEach(name -> uses.merge(name, 1, Integer::sum));
    return uses;
  }

  private void forget(List<String> names, Map<String, Integer> uses) {
    for (String name : names) {
      if (uses.merge(name, -1, Integer::sum) == 0) {
        known.remove(name);
      }
    }
  }

  private INDArray value(String name) {
    INDArray array = known.get(name);
    if (array == null) {
      array = Contiguous.of(source(graph.getVariable(name)));
      known.put(name, array);
    }
    return array;
  }

  /** The array of a variable that no op computes. */
  private INDArray source(SDVariable variable) {
    INDArray array;
    if (variable.isPlaceHolder()) {
      array = feeds.get(variable.name());
      if (array == null) {
        throw new IllegalArgumentException(
            "The placeholder \"" + variable.name() + "\" is needed and not fed.");
      }
      if (array.dataType() != variable.dataType()) {
        array = array.castTo(variable.dataType());
      }
    } else if (variable.isConstant() || variable.getVariableType() == VariableType.VARIABLE) {
      array = graph.getArrForVarName(variable.name());
      if (array == null) {
        throw new IllegalArgumentException(
            "The variable \"" + variable.name() + "\" has no array: set one before evaluating.");
      }
    } else {
      throw new UnsupportedOperationException(
          "The variable \""
              + variable.name()
              + "\" ("
              + variable.getVariableType()
              + ") is the output of no op: only arrays are supported.");
    }
    borrowed.add(array);
    return array;
  }

  private Map<String, INDArray> answer(Collection<String> names) {
    Map<String, INDArray> answer = new LinkedHashMap<>();
    Set<INDArray> taken = Collections.newSetFromMap(new IdentityHashMap<>());
    for (String name : names) {
      INDArray array = value(name);
      boolean own = !borrowed.contains(array) && taken.add(array);
      answer.put(name, own ? array : array.dup('c'));
    }
    return answer;
  }
}
