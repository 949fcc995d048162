package org.backpack4j.samediff.internal.ir;

import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.backpack4j.samediff.internal.interpret.ReferenceInterpreter;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.VariableType;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;

/**
 * Softmax and sigmoid nodes whose probabilities a loss takes the logarithms of, by {@code log} or
 * {@code log_loss}: with the loss they are one function of what goes into them, and that is where
 * the columns of second-order quantities start. Between a function and the logarithms its answer
 * may be laid out otherwise, taken from one, shifted and clipped.
 */
public final class Likelihoods {
  private static final Set<String> FUNCTIONS = Set.of("sigmoid", "softmax");

  private static final Set<String> LOGARITHMS = Set.of("log", "log_loss");

  private static final Set<String> LAYOUTS =
      Set.of("expand_dims", "identity", "permute", "reshape", "squeeze", "transpose");

  private static final Set<String> CHANGES =
      Set.of(
          "add",
          "add_scalar",
          "ClipByValue",
          "max_scalar",
          "maximum",
          "minimum",
          "mul_scalar",
          "oneminus",
          "reversesubtract",
          "rsub_scalar",
          "scalar_min",
          "sub_scalar",
          "subtract");

  private final SameDiff graph;
  private final Map<String, SameDiffOp> producers = new HashMap<>();
  private final Map<String, Set<SameDiffOp>> readers = new HashMap<>();
  private final Map<String, @Nullable Likelihood> found = new HashMap<>();

  private Likelihoods(SameDiff graph) {
    this.graph = graph;
  }

  /**
   * A function and the logarithms of its answer.
   *
   * @param function the softmax or sigmoid
   * @param between the nodes between it and the logarithms
   * @param logarithms the nodes that take logarithms
   * @param sole whether nothing else that the losses depend on reads the answer
   */
  public record Likelihood(
      SameDiffOp function, Set<SameDiffOp> between, Set<SameDiffOp> logarithms, boolean sole) {
    /**
     * What goes into the function.
     *
     * @return the variable's name
     */
    public String argument() {
      return function.getInputsToOp().get(0);
    }

    /**
     * The names of the nodes from the function on, logarithms aside.
     *
     * @return the ops' own names
     */
    public Set<String> nodes() {
      Set<String> names = new HashSet<>(Set.of(function.getName()));
      between.forEach(op -> names.add(op.getName()));
      return names;
    }
  }

  /**
   * Looks at a graph.
   *
   * @param graph the graph
   * @param losses its loss variables
   * @return what is found, by what reads it
   */
  public static Likelihoods of(SameDiff graph, Collection<String> losses) {
    Likelihoods all = new Likelihoods(graph);
    for (SameDiffOp op : ReferenceInterpreter.order(graph, losses)) {
      op.getOutputsOfOp().forEach(o -> all.producers.put(o, op));
      if (op.getInputsToOp() != null) {
        op.getInputsToOp()
            .forEach(i -> all.readers.computeIfAbsent(i, n -> new LinkedHashSet<>()).add(op));
      }
    }
    return all;
  }

  /**
   * The function whose answer a node takes the logarithm of.
   *
   * @param logarithm the node's own name
   * @param input the variable that it reads
   * @return the function with all its logarithms; null if there is none
   */
  public @Nullable Likelihood behind(String logarithm, String input) {
    SameDiffOp op = graph.getOps().get(logarithm);
    if (op == null || !LOGARITHMS.contains(op.getOp().opName())) {
      return null;
    }
    SameDiffOp function = function(input);
    return function == null ? null : found.computeIfAbsent(function.getName(), n -> all(function));
  }

  /** Back to a softmax or sigmoid, through nodes with one input that is computed. */
  private @Nullable SameDiffOp function(String variable) {
    SameDiffOp op = producers.get(variable);
    while (op != null && !FUNCTIONS.contains(op.getOp().opName())) {
      List<String> computed = passes(op) ? computed(op) : List.of();
      op = computed.size() == 1 ? producers.get(computed.get(0)) : null;
    }
    return op;
  }

  private static boolean passes(SameDiffOp op) {
    String kind = op.getOp().opName();
    return LAYOUTS.contains(kind) || CHANGES.contains(kind);
  }

  /** The inputs that are not constants. */
  private List<String> computed(SameDiffOp op) {
    return op.getInputsToOp().stream()
        .filter(i -> graph.getVariable(i).getVariableType() != VariableType.CONSTANT)
        .toList();
  }

  private Likelihood all(SameDiffOp function) {
    Set<SameDiffOp> between = new LinkedHashSet<>();
    Set<SameDiffOp> logarithms = new LinkedHashSet<>();
    boolean sole = true;
    Deque<String> open = new ArrayDeque<>(function.getOutputsOfOp());
    while (!open.isEmpty()) {
      String variable = open.remove();
      for (SameDiffOp reader : readers.getOrDefault(variable, Set.of())) {
        List<String> inputs = reader.getInputsToOp();
        if (LOGARITHMS.contains(reader.getOp().opName())
            && inputs.indexOf(variable) == 0
            && inputs.lastIndexOf(variable) == 0) {
          logarithms.add(reader);
        } else if (passes(reader) && computed(reader).equals(List.of(variable))) {
          if (between.add(reader)) {
            open.addAll(reader.getOutputsOfOp());
          }
        } else {
          sole = false;
        }
      }
    }
    return new Likelihood(function, between, logarithms, sole);
  }

  /**
   * Whether a node only lays its input out otherwise.
   *
   * @param op the node
   * @return whether the values stay as they are
   */
  public static boolean laysOut(SameDiffOp op) {
    return LAYOUTS.contains(op.getOp().opName());
  }

  /**
   * Whether a node takes its input from one.
   *
   * @param op the node
   * @return whether it answers 1 − x
   */
  public static boolean complements(SameDiffOp op) {
    String kind = op.getOp().opName();
    return kind.equals("oneminus")
        || (kind.equals("rsub_scalar")
            && op.getOp() instanceof org.nd4j.linalg.api.ops.ScalarOp scalar
            && scalar.scalar() != null
            && scalar.scalar().getDouble(0) == 1);
  }
}
