package org.backpack4j.samediff.internal.execution.plan;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.backpack4j.samediff.internal.execution.run.CustomCall;
import org.backpack4j.samediff.internal.execution.run.LegacyCall;
import org.backpack4j.samediff.internal.execution.run.Memory;
import org.backpack4j.samediff.internal.nd4j.OpSignature;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.BaseOp;
import org.nd4j.linalg.api.ops.CustomOp;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.api.ops.OpContext;
import org.nd4j.linalg.api.shape.LongShapeDescriptor;
import org.nd4j.linalg.factory.Nd4j;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The shapes of an op's outputs, from the shapes of its inputs.
 *
 * <p>ND4J's shape functions want arrays. For an input of which only the shape is known they are
 * given one that pretends: it has the shape, but all such arrays lie over the same few bytes of
 * zeros.
 */
final class Shapes implements AutoCloseable {
  /** More than any shape function reads of an input that it should not read. */
  private static final long PRETENDED_BYTES = 1 << 16;

  private static final Logger LOG = LoggerFactory.getLogger(Shapes.class);

  private final SameDiff graph;
  private final Map<String, Optional<List<LongShapeDescriptor>>> found = new HashMap<>();
  private final Memory zeros = Memory.allocate(PRETENDED_BYTES);

  Shapes(SameDiff graph) {
    this.graph = graph;
    zeros.array(0, DataType.INT8, PRETENDED_BYTES).assign(0);
  }

  /** What is known of some values, or arrays whose numbers must not be read. */
  List<INDArray> arrays(List<Value> values) {
    return values.stream()
        .map(v -> v.known != null ? v.known : zeros.array(0, v.type, v.shape()))
        .toList();
  }

  /** The shapes of all outputs, or null if the op cannot tell. */
  @Nullable List<LongShapeDescriptor> of(SameDiffOp node, List<Value> inputs) {
    String signature = signature(node, inputs);
    if (signature == null) {
      return find(node, arrays(inputs));
    }
    return found
        .computeIfAbsent(signature, s -> Optional.ofNullable(find(node, arrays(inputs))))
        .orElse(null);
  }

  private @Nullable String signature(SameDiffOp node, List<Value> inputs) {
    List<String> known = new ArrayList<>(inputs.size());
    for (Value input : inputs) {
      String description =
          input.known != null
              ? OpSignature.input(input.known)
              : OpSignature.input(input.type, input.shape());
      if (description == null) {
        return null;
      }
      known.add(description);
    }
    return OpSignature.of(graph, node, known);
  }

  private @Nullable List<LongShapeDescriptor> find(SameDiffOp node, List<INDArray> inputs) {
    try {
      return node.getOp() instanceof DynamicCustomOp op
          ? ofCustom(node, op, inputs)
          : ofLegacy(node, inputs);
    } catch (RuntimeException e) {
      // If the op is at fault, running it says so better.
      LOG.debug("No shape for \"{}\" before it runs", node.getName(), e);
      return null;
    }
  }

  private @Nullable List<LongShapeDescriptor> ofCustom(
      SameDiffOp node, DynamicCustomOp op, List<INDArray> inputs) {
    OpContext context = Nd4j.getExecutioner().buildContext();
    try {
      CustomCall.setArguments(context, op);
      context.setInputArrays(inputs);
      List<LongShapeDescriptor> shapes = ((CustomOp) op).calculateOutputShape(context);
      List<String> names = node.getOutputsOfOp();
      if (shapes == null || shapes.size() != names.size()) {
        return null;
      }
      List<LongShapeDescriptor> typed = new ArrayList<>(shapes.size());
      for (int i = 0; i < shapes.size(); i++) {
        // Some shape functions do not know the data type; the variable does.
        DataType type = graph.getVariable(names.get(i)).dataType();
        LongShapeDescriptor shape = shapes.get(i);
        typed.add(shape.dataType() == type ? shape : shape.asDataType(type));
      }
      return typed;
    } finally {
      context.purge();
    }
  }

  private static @Nullable List<LongShapeDescriptor> ofLegacy(
      SameDiffOp node, List<INDArray> inputs) {
    BaseOp op = LegacyCall.copy(node, inputs);
    OpContext context = Nd4j.getExecutioner().buildContext();
    try {
      // Some shape functions look for the input in the op, some in a context.
      context.setInputArrays(inputs);
      List<LongShapeDescriptor> shapes = op.calculateOutputShape(context);
      return shapes == null || shapes.size() != 1 ? null : shapes;
    } finally {
      context.purge();
    }
  }

  @Override
  public void close() {
    zeros.close();
  }
}
