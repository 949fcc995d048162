package org.backpack4j.samediff.graph;

import java.io.IOException;
import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.VariableType;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.autodiff.samediff.internal.Variable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;

/**
 * Tries what M2.1's file format makes of an op: it is written and read back alone, in a graph of
 * its own, and compared in all that its result depends on.
 */
final class SavedForm {
  /**
   * Fields of an op of the older kind that say where it belongs, and not what it computes. A
   * condition and its mode are also among the extra arguments, as numbers.
   */
  private static final Set<String> NO_ATTRIBUTES =
      Set.of(
          "sameDiff",
          "ownName",
          "ownNameSetWithDefault",
          "x",
          "y",
          "z",
          "xVertexId",
          "yVertexId",
          "zVertexId",
          "extraArgz",
          "condition",
          "mode");

  private SavedForm() {}

  /** Says whether {@code op}, as the op object of {@code node}, is the same after save and load. */
  static boolean isExact(SameDiff graph, SameDiffOp node, DifferentialFunction op) {
    SameDiff alone = alone(graph, node, op);
    DifferentialFunction before = Lookup.op(alone, node.getName()).getOp();
    try {
      SameDiff loaded = SameDiff.fromFlatBuffers(alone.asFlatBuffers(false));
      SameDiffOp after = loaded.getOps().get(node.getName());
      return after != null
          && after.getOutputsOfOp().equals(node.getOutputsOfOp())
          && after.getInputsToOp().equals(inputs(node))
          && attributes(after.getOp()).containsAll(attributes(before));
    } catch (IOException | RuntimeException e) {
      // However M2.1 fails here, it would fail so for the whole graph.
      return false;
    }
  }

  private static List<String> inputs(SameDiffOp node) {
    return node.getInputsToOp() == null ? List.of() : node.getInputsToOp();
  }

  private static SameDiff alone(SameDiff graph, SameDiffOp node, DifferentialFunction op) {
    SameDiff alone = SameDiff.create();
    for (String input : inputs(node)) {
      add(alone, input, VariableType.PLACEHOLDER, graph, null);
    }
    for (String output : node.getOutputsOfOp()) {
      add(alone, output, VariableType.ARRAY, graph, node.getName());
    }
    alone
        .getOps()
        .put(
            node.getName(),
            SameDiffOp.builder()
                .name(node.getName())
                .op(OpBinding.copy(op, alone))
                .inputsToOp(new ArrayList<>(inputs(node)))
                .outputsOfOp(new ArrayList<>(node.getOutputsOfOp()))
                .build());
    return alone;
  }

  private static void add(
      SameDiff alone, String name, VariableType type, SameDiff graph, @Nullable String producer) {
    DataType dataType = Lookup.variable(graph, name).getVariable().dataType();
    SDVariable variable =
        new SDVariable(name, type, alone, null, dataType == DataType.UNKNOWN ? null : dataType);
    alone
        .getVariables()
        .put(name, Variable.builder().name(name).variable(variable).outputOfOp(producer).build());
  }

  /** What an op computes, as text: {@code name=value}. */
  private static List<String> attributes(DifferentialFunction op) {
    List<String> attributes = new ArrayList<>();
    attributes.add("op=" + op.opName());
    if (op instanceof DynamicCustomOp customOp) {
      attributes.add("i=" + Arrays.toString(customOp.iArgs()));
      attributes.add("t=" + Arrays.toString(customOp.tArgs()));
      attributes.add("b=" + Arrays.toString(customOp.bArgs()));
      attributes.add("d=" + Arrays.toString(customOp.dArgs()));
      attributes.add("s=" + Arrays.toString(customOp.sArgs()));
    } else {
      addFields(op, attributes);
    }
    return attributes;
  }

  private static void addFields(DifferentialFunction op, List<String> attributes) {
    try {
      for (Field field : OpFields.of(op.getClass())) {
        Object value = field.get(op);
        // Nothing is lost of what was not there; M2.1 fills some empty fields when it reads.
        if (value != null && !NO_ATTRIBUTES.contains(field.getName())) {
          attributes.add(field.getName() + "=" + text(value));
        }
      }
    } catch (IllegalAccessException e) {
      throw new AssertionError("The fields were made accessible", e);
    }
  }

  private static String text(Object value) {
    if (value instanceof int[] array) {
      return Arrays.toString(array);
    }
    if (value instanceof long[] array) {
      return Arrays.toString(array);
    }
    if (value instanceof Object[] array) {
      return Arrays.stream(array).map(SavedForm::element).toList().toString();
    }
    if (value instanceof SDVariable variable) {
      return variable.name();
    }
    if (value instanceof INDArray array) {
      return array.dataType() + array.toStringFull();
    }
    return String.valueOf(value);
  }

  /** M2.1 reads all numbers of such an array as {@code double}. */
  private static String element(Object value) {
    return value instanceof Number number
        ? Double.toString(number.doubleValue())
        : String.valueOf(value);
  }
}
