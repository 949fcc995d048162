package org.backpack4j.samediff.execution;

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

/** Puts kernels in the place of several ops, and drops what nobody needs. */
final class Fusing {
  private final List<OpPlan> all;
  private final Map<Value, OpPlan> makers = new HashMap<>();
  private final Map<OpPlan, Integer> positions = new HashMap<>();

  private Fusing(List<OpPlan> all) {
    this.all = all;
    for (OpPlan op : all) {
      positions.put(op, positions.size());
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
  static List<OpPlan> fused(Inference inference, Collection<Value> results, Hints hints) {
    List<OpPlan> needed = needed(inference.ops(), results);
    if (hints.kernels() && !hints.fusions().isEmpty()) {
      Fusing fusing = new Fusing(inference.ops());
      needed = fusing.replaced(fusing.candidates(inference, hints, needed), results);
    }
    return Lateness.putOff(needed, results);
  }

  /** A fusion that the shapes allow, with the op that it replaces and those that it saves. */
  private record Fused(OpPlan replaced, OpPlan kernel, Set<OpPlan> inner) {

    /** Whether the largest values that it is to save are really saved. */
    boolean pays(Set<OpPlan> needed) {
      long largest = inner.stream().mapToLong(OpPlan::bytes).max().orElse(0);
      return inner.stream().noneMatch(p -> 2 * p.bytes() > largest && needed.contains(p));
    }
  }

  private List<OpPlan> replaced(List<Fused> candidates, Collection<Value> results) {
    List<Fused> used = candidates;
    while (true) {
      Map<OpPlan, OpPlan> replacements = new HashMap<>();
      used.forEach(f -> replacements.put(f.replaced, f.kernel));
      List<OpPlan> now =
          needed(all.stream().map(p -> replacements.getOrDefault(p, p)).toList(), results);
      Set<OpPlan> still = new HashSet<>(now);
      List<Fused> paying = used.stream().filter(f -> f.pays(still)).toList();
      if (paying.size() == used.size()) {
        return now;
      }
      used = paying;
    }
  }

  private List<Fused> candidates(Inference inference, Hints hints, List<OpPlan> needed) {
    Set<OpPlan> computed = new HashSet<>(needed);
    List<Fused> candidates = new ArrayList<>();
    for (Hints.Fusion fusion : new LinkedHashSet<>(hints.fusions())) {
      Value output = inference.known(fusion.output());
      OpPlan maker = output == null ? null : makers.get(output);
      if (output == null
          || maker == null
          || !computed.contains(maker)
          || maker.outputs().size() != 1
          || !output.isStatic()) {
        continue;
      }
      List<Value> inputs = new ArrayList<>();
      for (String name : fusion.inputs()) {
        Value input = inference.known(name);
        if (input != null && input.isStatic() && isThere(input, maker)) {
          inputs.add(input);
        }
      }
      long[] arguments = fusion.arguments().stream().mapToLong(Long::longValue).toArray();
      Kernel kernel =
          inputs.size() < fusion.inputs().size()
              ? null
              : Kernels.named(fusion.kernel(), inputs, output, arguments);
      if (kernel != null) {
        candidates.add(new Fused(maker, maker.by(kernel, inputs), inner(maker, inputs)));
      }
    }
    return candidates;
  }

  /** Whether a value has been computed when an op's turn comes. */
  private boolean isThere(Value value, OpPlan op) {
    OpPlan maker = makers.get(value);
    return maker == null || positions.getOrDefault(maker, 0) < positions.getOrDefault(op, 0);
  }

  /** The ops between the inputs, or other views of the same, and an op. */
  private Set<OpPlan> inner(OpPlan last, List<Value> inputs) {
    Set<Value> given = new HashSet<>();
    inputs.forEach(input -> given.add(viewed(input)));
    Set<OpPlan> inner = new HashSet<>();
    Deque<OpPlan> open = new ArrayDeque<>(List.of(last));
    while (!open.isEmpty()) {
      for (Value value : open.pop().inputs()) {
        OpPlan maker = given.contains(viewed(value)) ? null : makers.get(value);
        if (maker != null && inner.add(maker)) {
          open.push(maker);
        }
      }
    }
    return inner;
  }

  /** What a value is a view of. */
  private Value viewed(Value value) {
    Value viewed = value;
    OpPlan maker = makers.get(viewed);
    while (maker != null && maker.way == OpPlan.Way.VIEW) {
      viewed = maker.inputs().get(0);
      maker = makers.get(viewed);
    }
    return viewed;
  }
}
