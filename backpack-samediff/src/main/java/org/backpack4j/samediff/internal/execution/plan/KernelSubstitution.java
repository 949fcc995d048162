package org.backpack4j.samediff.internal.execution.plan;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.backpack4j.samediff.internal.execution.ExecutionOptions;
import org.backpack4j.samediff.internal.execution.kernel.Kernel;
import org.backpack4j.samediff.internal.execution.kernel.Kernels;

/** Puts kernels in the place of several ops, and drops what nobody needs. */
final class KernelSubstitution {
  private final List<OpPlan> all;
  private final Map<Value, OpPlan> makers = new HashMap<>();

  /** What kernels that may take an op's place read. */
  private final Map<OpPlan, List<Value>> kernelInputs = new HashMap<>();

  private KernelSubstitution(List<OpPlan> all) {
    this.all = all;
    for (OpPlan op : all) {
      op.outputs().forEach(output -> makers.put(output, op));
    }
  }

  /** The ops that some values need, and those that have an effect. */
  static List<OpPlan> needed(List<OpPlan> all, Collection<Value> values) {
    Set<Value> wanted = new HashSet<>(values);
    List<OpPlan> needed = new ArrayList<>();
    for (int i = all.size() - 1; i >= 0; i--) {
      OpPlan op = all.get(i);
      boolean effect = op.way == OpPlan.Way.PLAIN && OpTraits.isSpecial(op.node.getOp());
      if (op.way != OpPlan.Way.NONE
          && (effect || op.outputs().stream().anyMatch(wanted::contains))) {
        wanted.addAll(op.inputs());
        needed.add(op);
      }
    }
    Collections.reverse(needed);
    return needed;
  }

  /**
   * The needed ops when kernels have taken the place of some; those they save are not among them.
   */
  static List<OpPlan> fused(
      ShapeInference inference, Collection<Value> results, ExecutionOptions options) {
    List<OpPlan> needed = needed(inference.ops(), results);
    if (options.kernels() && !options.fusions().isEmpty()) {
      KernelSubstitution fusing = new KernelSubstitution(inference.ops());
      needed = fusing.replaced(fusing.candidates(inference, options), results);
    }
    return SinkLargeOps.putOff(needed, results);
  }

  /** A fusion that the shapes allow, with the op that it replaces and those that it saves. */
  private record Fused(OpPlan replaced, OpPlan kernel, Set<OpPlan> inner) {

    /**
     * Whether the largest values that it is to save are really saved. One that saves nothing, and
     * is only a faster way from more inputs than its op has, pays where others read those too.
     */
    boolean pays(Set<OpPlan> needed) {
      long largest = inner.stream().mapToLong(OpPlan::numbers).max().orElse(0);
      return largest == 0
          ? kernel.inputs().stream().allMatch(input -> isRead(input, needed))
          : inner.stream().noneMatch(p -> 2 * p.numbers() > largest && needed.contains(p));
    }

    /** Whether an input is one of the op's own, or another op reads it. */
    private boolean isRead(Value input, Set<OpPlan> needed) {
      return replaced.inputs().contains(input)
          || needed.stream().anyMatch(op -> op != kernel && op.inputs().contains(input));
    }
  }

  /** Of several kernels for one op the last that pays is taken. */
  private List<OpPlan> replaced(List<Fused> candidates, Collection<Value> results) {
    List<Fused> used = candidates;
    while (true) {
      Map<OpPlan, OpPlan> replacements = new HashMap<>();
      used.forEach(f -> replacements.put(f.replaced, f.kernel));
      List<OpPlan> now =
          needed(sorted(all.stream().map(p -> replacements.getOrDefault(p, p)).toList()), results);
      Set<OpPlan> still = new HashSet<>(now);
      List<Fused> paying = used.stream().filter(f -> f.pays(still)).toList();
      if (paying.size() == used.size()) {
        return now;
      }
      used = paying;
    }
  }

  /** The same ops, each behind those whose outputs it reads: a kernel may read what came later. */
  private static List<OpPlan> sorted(List<OpPlan> ops) {
    Map<Value, OpPlan> makers = new HashMap<>();
    ops.forEach(op -> op.outputs().forEach(output -> makers.put(output, op)));
    Set<OpPlan> sorted = new LinkedHashSet<>();
    Deque<OpPlan> open = new ArrayDeque<>();
    for (OpPlan op : ops) {
      open.push(op);
      while (!open.isEmpty()) {
        OpPlan next = open.peek();
        next.inputs().stream()
            .map(makers::get)
            .filter(maker -> maker != null && !sorted.contains(maker))
            .forEach(open::push);
        if (open.peek() == next) {
          sorted.add(open.pop());
        }
      }
    }
    return List.copyOf(sorted);
  }

  private List<Fused> candidates(ShapeInference inference, ExecutionOptions options) {
    List<Fused> candidates = new ArrayList<>();
    for (ExecutionOptions.Fusion fusion : new LinkedHashSet<>(options.fusions())) {
      Value output = inference.known(fusion.output());
      OpPlan maker = output == null ? null : makers.get(output);
      if (output == null || maker == null || maker.outputs().size() != 1 || !output.isStatic()) {
        continue;
      }
      List<Value> inputs = new ArrayList<>();
      for (String name : fusion.inputs()) {
        Value input = inference.known(name);
        if (input != null && input.isStatic() && !dependsOn(input, maker)) {
          inputs.add(input);
        }
      }
      long[] arguments = fusion.arguments().stream().mapToLong(Long::longValue).toArray();
      Kernel kernel =
          inputs.size() < fusion.inputs().size()
              ? null
              : Kernels.named(fusion.kernel(), inputs, output, arguments);
      if (kernel != null) {
        kernelInputs.computeIfAbsent(maker, key -> new ArrayList<>()).addAll(inputs);
        candidates.add(new Fused(maker, maker.by(kernel, inputs), inner(maker, inputs)));
      }
    }
    return candidates;
  }

  /** Whether a value is computed from an op's outputs, by ops or by kernels in their place. */
  private boolean dependsOn(Value value, OpPlan op) {
    Set<OpPlan> seen = new HashSet<>();
    Deque<Value> open = new ArrayDeque<>(List.of(value));
    while (!open.isEmpty()) {
      OpPlan maker = makers.get(open.pop());
      if (maker == op) {
        return true;
      }
      if (maker != null && seen.add(maker)) {
        maker.inputs().forEach(open::push);
        kernelInputs.getOrDefault(maker, List.of()).forEach(open::push);
      }
    }
    return false;
  }

  /** The ops between the inputs and an op: what it is computed from and they are not. */
  private Set<OpPlan> inner(OpPlan last, List<Value> inputs) {
    Set<OpPlan> inner = new HashSet<>();
    collect(last.inputs(), inner, upstream(inputs));
    return inner;
  }

  /** What inputs are computed from. The last op's own inputs may be other views of the same. */
  private Set<OpPlan> upstream(List<Value> inputs) {
    Set<OpPlan> upstream = new HashSet<>();
    collect(inputs, upstream, Set.of());
    return upstream;
  }

  /** Adds the ops that values are computed from, as far as others. */
  private void collect(List<Value> values, Set<OpPlan> ops, Set<OpPlan> others) {
    Deque<Value> open = new ArrayDeque<>(values);
    while (!open.isEmpty()) {
      OpPlan maker = makers.get(open.pop());
      if (maker != null && !others.contains(maker) && ops.add(maker)) {
        maker.inputs().forEach(open::push);
      }
    }
  }
}
