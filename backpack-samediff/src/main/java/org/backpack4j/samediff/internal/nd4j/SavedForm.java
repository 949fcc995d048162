package org.backpack4j.samediff.internal.nd4j;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.VariableType;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.autodiff.samediff.internal.Variable;
import org.nd4j.imports.converters.DifferentialFunctionClassHolder;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ops.DynamicCustomOp;

/**
 * Tries what M2.1's file format makes of an op: it is written and read back alone, in a graph of
 * its own, and compared in all that its result depends on.
 */
final class SavedForm {
  private static final int KEPT = 4096;

  /** What was found out before; the same ops come again and again, with other names. */
  private static final Map<String, Boolean> KNOWN =
      Collections.synchronizedMap(
          new LinkedHashMap<>(64, 0.75f, true) {
            private static final long serialVersionUID = 1L;

            @Override
            protected boolean removeEldestEntry(Map.Entry<String, Boolean> eldest) {
              return size() > KEPT;
            }
          });

  private SavedForm() {}

  /** Says whether {@code op}, as the op object of {@code node}, is the same after save and load. */
  static boolean isExact(SameDiff graph, SameDiffOp node, DifferentialFunction op) {
    String key = key(graph, node, op);
    Boolean known = KNOWN.get(key);
    if (known == null) {
      known = survives(alone(graph, node, op), node);
      KNOWN.put(key, known);
    }
    return known;
  }

  /** Tries it. */
  static boolean survives(SameDiff alone, SameDiffOp node) {
    SameDiffOp written = VariableLookup.op(alone, node.getName());
    DifferentialFunction before = written.getOp();
    try {
      ByteBuffer form = alone.asFlatBuffers(false);
      if (before instanceof DynamicCustomOp op && !ReadableOp.unread(op).isEmpty()) {
        written.setOp(new ReadableOp(op));
        form = alone.asFlatBuffers(false);
      }
      SameDiffOp after = SameDiff.fromFlatBuffers(form).getOps().get(node.getName());
      return after != null
          && after.getOutputsOfOp().equals(node.getOutputsOfOp())
          && after.getInputsToOp().equals(inputs(node))
          && OpAttributes.of(after.getOp()).containsAll(OpAttributes.of(before));
    } catch (IOException | RuntimeException e) {
      // However M2.1 fails here, it would fail so for the whole graph.
      return false;
    }
  }

  /**
   * An op without the properties that M2.1 writes and has no field for when it reads. It warns of
   * each of them, in the log of a person who has not saved anything.
   */
  private static final class ReadableOp extends DynamicCustomOp {
    private final Map<String, Object> properties;

    ReadableOp(DynamicCustomOp op) {
      super(op.opName());
      setOwnName(op.getOwnName());
      setSameDiff(op.getSameDiff());
      addIArgument(op.iArgs());
      addTArgument(op.tArgs());
      addBArgument(op.bArgs());
      addDArgument(op.dArgs());
      addSArgument(op.sArgs());
      properties = new LinkedHashMap<>(op.propertiesForFunction());
      properties.keySet().removeAll(unread(op));
    }

    /** The names of the properties that are written and have no field. */
    static Set<String> unread(DynamicCustomOp op) {
      Set<String> names = new HashSet<>(op.propertiesForFunction().keySet());
      names.removeAll(
          DifferentialFunctionClassHolder.getInstance().getFieldsForFunction(op).keySet());
      return names;
    }

    @Override
    public Map<String, Object> propertiesForFunction() {
      return properties;
    }
  }

  /**
   * All that the answer depends on: the op's class and fields, and of its variables the types and
   * which of them are the same, not their names.
   */
  private static String key(SameDiff graph, SameDiffOp node, DifferentialFunction op) {
    Map<String, String> numbers = new HashMap<>();
    UnaryOperator<String> number =
        name ->
            name.contains(":") // which stands before the number of an output, for M2.1
                ? name
                : numbers.computeIfAbsent(name, n -> "#" + numbers.size());
    StringBuilder key = new StringBuilder(op.getClass().getName());
    key.append(number.apply(node.getName()));
    for (List<String> names : List.of(inputs(node), node.getOutputsOfOp())) {
      key.append('|');
      for (String name : names) {
        DataType type = VariableLookup.variable(graph, name).getVariable().dataType();
        key.append(number.apply(name)).append(type).append(',');
      }
    }
    return key.append(OpAttributes.fields(op, number)).toString();
  }

  private static List<String> inputs(SameDiffOp node) {
    return node.getInputsToOp() == null ? List.of() : node.getInputsToOp();
  }

  /** A graph of nothing but an op. */
  static SameDiff alone(SameDiff graph, SameDiffOp node, DifferentialFunction op) {
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
    DataType dataType = VariableLookup.variable(graph, name).getVariable().dataType();
    SDVariable variable =
        new SDVariable(name, type, alone, null, dataType == DataType.UNKNOWN ? null : dataType);
    alone
        .getVariables()
        .put(name, Variable.builder().name(name).variable(variable).outputOfOp(producer).build());
  }
}
