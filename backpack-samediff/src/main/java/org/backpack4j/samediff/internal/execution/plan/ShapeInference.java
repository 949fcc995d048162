package org.backpack4j.samediff.internal.execution.plan;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.backpack4j.samediff.internal.execution.ExecutionOptions;
import org.backpack4j.samediff.internal.execution.kernel.Kernel;
import org.backpack4j.samediff.internal.execution.kernel.Kernels;
import org.backpack4j.samediff.internal.execution.kernel.Platform;
import org.backpack4j.samediff.internal.execution.run.Inputs;
import org.backpack4j.samediff.internal.execution.run.LegacyCall;
import org.backpack4j.samediff.internal.interpret.OpExecution;
import org.backpack4j.samediff.internal.interpret.RandomOps;
import org.backpack4j.samediff.internal.interpret.ReferenceInterpreter;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.BaseReduceOp;
import org.nd4j.linalg.api.ops.Op;
import org.nd4j.linalg.api.shape.LongShapeDescriptor;

/**
 * Finds out what each op of a graph comes to, for given shapes of the feeds: the shapes of its
 * outputs, and whether it has to run at all.
 *
 * <p>Nothing is run except what depends on shapes and constants alone (the targets of a reshape,
 * for example), and that once and for all.
 */
final class ShapeInference {
  /** A larger integer array is no shape, and is computed at each run like anything else. */
  private static final long MOST_KNOWN = 4096;

  private final SameDiff graph;
  private final Inputs given;
  private final Map<String, long[]> feedShapes;
  private final ExecutionOptions options;
  private final boolean plain;
  private final Map<String, Value> values = new LinkedHashMap<>();
  private final Map<String, Value> sources = new LinkedHashMap<>();
  private final List<OpPlan> ops = new ArrayList<>();

  /**
   * Looks at all ops that are needed.
   *
   * @param feedShapes the shape of each feed
   * @param names what is asked for
   */
  ShapeInference(
      SameDiff graph,
      Inputs given,
      Map<String, long[]> feedShapes,
      Iterable<String> names,
      ExecutionOptions options) {
    this.graph = graph;
    this.given = given;
    this.feedShapes = feedShapes;
    this.options = options;
    this.plain = !options.prepared() || !Platform.isNativeCpu();
    List<SameDiffOp> order = order(names);
    order.forEach(
        node -> {
          OpExecution.checkSupported(graph, node);
          RandomOps.refuse(node);
        });
    if (plain) {
      order.forEach(node -> ops.add(plainly(node, inputs(node))));
    } else {
      try (Shapes shapes = new Shapes(graph)) {
        order.forEach(node -> ops.add(look(node, inputs(node), shapes)));
      }
    }
    names.forEach(this::value);
  }

  /** All ops, in execution order. */
  List<OpPlan> ops() {
    return ops;
  }

  /** The values that no op computes. */
  Iterable<Value> sources() {
    return sources.values();
  }

  /** What is known of a variable; null if it has nothing to do with what was asked for. */
  @Nullable Value known(String name) {
    return values.get(name);
  }

  /** The needed ops, and those that kernels need to have their inputs (other views of the same). */
  private List<SameDiffOp> order(Iterable<String> names) {
    Set<String> asked = new LinkedHashSet<>();
    names.forEach(asked::add);
    List<SameDiffOp> order = ReferenceInterpreter.order(graph, asked);
    if (plain || !options.kernels() || options.fusions().isEmpty()) {
      return order;
    }
    Set<String> computed = new HashSet<>();
    order.forEach(op -> computed.addAll(op.getOutputsOfOp()));
    Set<String> wanted = new LinkedHashSet<>(asked);
    for (ExecutionOptions.Fusion fusion : options.fusions()) {
      if (computed.contains(fusion.output())) {
        fusion.inputs().stream().filter(graph::hasVariable).forEach(wanted::add);
      }
    }
    return ReferenceInterpreter.order(graph, wanted);
  }

  private List<Value> inputs(SameDiffOp node) {
    return node.getInputsToOp() == null
        ? List.of()
        : node.getInputsToOp().stream().map(this::value).toList();
  }

  private Value value(String name) {
    Value value = values.get(name);
    if (value == null) {
      value = source(graph.getVariable(name));
      values.put(name, value);
      sources.put(name, value);
    }
    return value;
  }

  /** A variable that no op computes. */
  private Value source(SDVariable variable) {
    String name = variable.name();
    INDArray array = given.of(variable);
    DataType type = variable.isPlaceHolder() ? variable.dataType() : array.dataType();
    if (plain || type == DataType.UTF8 || (array.isEmpty() && array.rank() == 0)) {
      return Value.unknown(name, type);
    }
    Value value = Value.of(name, type, feedShapes.getOrDefault(name, array.shape()));
    if (variable.isConstant() && array.length() <= MOST_KNOWN) {
      value.known = array.dup('c');
    }
    return value;
  }

  private OpPlan plainly(SameDiffOp node, List<Value> inputs) {
    List<Value> outputs = new ArrayList<>();
    for (String name : node.getOutputsOfOp()) {
      Value output = Value.unknown(name, graph.getVariable(name).dataType());
      values.put(name, output);
      outputs.add(output);
    }
    return new OpPlan(node, inputs, outputs, OpPlan.Way.PLAIN);
  }

  private OpPlan look(SameDiffOp node, List<Value> inputs, Shapes shapes) {
    if (mustBePlain(node, inputs)) {
      return plainly(node, inputs);
    }
    List<LongShapeDescriptor> descriptors = shapes.of(node, inputs);
    if (descriptors == null || !descriptors.stream().allMatch(ShapeInference::isPlannable)) {
      return plainly(node, inputs);
    }
    List<Value> outputs = new ArrayList<>(descriptors.size());
    for (int i = 0; i < descriptors.size(); i++) {
      String name = node.getOutputsOfOp().get(i);
      LongShapeDescriptor descriptor = descriptors.get(i);
      outputs.add(Value.of(name, descriptor.dataType(), descriptor.getShape()));
    }
    boolean view = isView(node, inputs, outputs);
    if (!view && isNoOp(node, inputs, outputs)) {
      return plainly(node, inputs);
    }
    outputs.forEach(output -> values.put(output.name, output));
    if (canBeKnown(node, inputs, outputs)) {
      List<INDArray> known = OpExecution.run(graph, node, shapes.arrays(inputs));
      for (int i = 0; i < known.size(); i++) {
        outputs.get(i).known = known.get(i).dup('c');
      }
      return new OpPlan(node, inputs, outputs, OpPlan.Way.NONE);
    }
    if (outputs.stream().allMatch(Value::isEmpty)) {
      return new OpPlan(node, inputs, outputs, OpPlan.Way.NONE);
    }
    if (view) {
      return new OpPlan(node, inputs, outputs, OpPlan.Way.VIEW);
    }
    OpPlan plan = new OpPlan(node, inputs, outputs, OpPlan.Way.PREPARED);
    Kernel kernel = options.kernels() ? Kernels.instead(node.getOp(), inputs, outputs) : null;
    return kernel == null ? plan : plan.by(kernel, inputs);
  }

  /** An array that is empty in spite of its shape, or one of strings, is not. */
  private static boolean isPlannable(LongShapeDescriptor descriptor) {
    return descriptor.dataType() != DataType.UTF8
        && (!descriptor.isEmpty() || descriptor.getShape().length > 0);
  }

  private static boolean mustBePlain(SameDiffOp node, List<Value> inputs) {
    if (OpTraits.isSpecial(node.getOp())) {
      return true;
    }
    for (int i = 0; i < inputs.size(); i++) {
      Value input = inputs.get(i);
      if (!input.isStatic()) {
        return true;
      }
      boolean integer = !input.type.isFPType();
      boolean setting = node.getOp() instanceof Op && LegacyCall.isSetting(node, i);
      if (setting && (input.known == null || input.isEmpty())) {
        return true;
      }
      if (input.known == null
          && (integer
              ? OpTraits.shapeMayDependOn(node.getOp(), i)
              : OpTraits.shapeMayDependOnNumbers(node.getOp()))) {
        return true;
      }
    }
    return false;
  }

  /** M2.1 computes nothing, or something wrong, for a vector that is reduced over ones. */
  private static boolean isNoOp(SameDiffOp node, List<Value> inputs, List<Value> outputs) {
    return node.getOp() instanceof BaseReduceOp
        && inputs.get(0).length() > 1
        && inputs.get(0).length() == outputs.get(0).length();
  }

  private static boolean canBeKnown(SameDiffOp node, List<Value> inputs, List<Value> outputs) {
    boolean fromShapes = OpTraits.readsShapesOnly(node.getOp());
    return (fromShapes || inputs.stream().allMatch(v -> v.known != null))
        && outputs.stream().allMatch(v -> !v.type.isFPType() && v.length() <= MOST_KNOWN);
  }

  private static boolean isView(SameDiffOp node, List<Value> inputs, List<Value> outputs) {
    for (int i = 0; i < outputs.size(); i++) {
      long offset = Views.offset(node, inputs, outputs, i);
      if (offset == Views.NONE) {
        return false;
      }
      outputs.get(i).viewOffset = offset;
    }
    return true;
  }
}
