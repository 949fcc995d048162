package org.backpack4j.samediff.internal.nd4j;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.backpack4j.samediff.internal.interpret.OpExecution;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.VariableType;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.autodiff.samediff.internal.Variable;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * A copy of a graph, op by op, that shares the parameters' and constants' arrays with the original.
 *
 * <p>The original is only read. The copy has variables of the same names, types and shapes, ops of
 * the same names with op objects of its own, the same loss variables and outputs, and no training
 * configuration, listeners or gradient function. A training step of the original and a {@code
 * setArray} are seen at the copy's next evaluation; an array that is set on the copy is the copy's
 * own from then on.
 *
 * <p>{@link SameDiff#dup()} goes through M2.1's file format, which loses attributes of some ops and
 * fails for others. Here op objects are duplicated as they are. Where an op would not survive the
 * file format, it is replaced by what computes the same and does, if there is such a thing ({@link
 * SaveRepair}): a copy can be saved.
 */
public final class GraphCopy {
  private final SameDiff source;
  private final Supplier<@Nullable SameDiff> held;
  private final SameDiff copy = SameDiff.create();

  private GraphCopy(SameDiff source, Supplier<@Nullable SameDiff> held) {
    this.source = source;
    this.held = held;
  }

  /**
   * Copies a graph.
   *
   * @param source the original
   * @return the copy
   * @throws IllegalArgumentException if it has an op that cannot be copied, which is named: control
   *     flow, an op on a list of arrays, or an op class of one's own
   */
  public static SameDiff of(SameDiff source) {
    return of(source, () -> source);
  }

  /**
   * Copies a graph.
   *
   * @param source the original
   * @param held how the copy finds the original when it looks its arrays up; one that does not keep
   *     it answers null when it is gone, and there are no arrays then
   * @return the copy
   * @throws IllegalArgumentException if it has an op that cannot be copied, which is named: control
   *     flow, an op on a list of arrays, or an op class of one's own
   */
  public static SameDiff of(SameDiff source, Supplier<@Nullable SameDiff> held) {
    return new GraphCopy(source, held).copy();
  }

  private SameDiff copy() {
    source.getOps().values().forEach(GraphCopy::checkCopyable);
    source.getVariables().values().forEach(this::add);
    source.getOps().values().forEach(this::add);
    copy.setArrayHolders(shared(VariableType.VARIABLE), shared(VariableType.CONSTANT), false);
    source.getLossVariables().forEach(copy::addLossVariable);
    copy.setOutputs(source.outputs() == null ? null : new ArrayList<>(source.outputs()));
    SaveRepair.apply(copy);
    return copy;
  }

  private static void checkCopyable(SameDiffOp op) {
    if (OpExecution.isControlFlow(op.getOp())) {
      throw new IllegalArgumentException(
          "The op \""
              + op.getName()
              + "\" ("
              + op.getOp().opName()
              + ") is control flow or works on a list of arrays: such a graph cannot be copied.");
    }
  }

  private void add(Variable variable) {
    SDVariable original = variable.getVariable();
    long @Nullable [] shape =
        original.isPlaceHolder() ? original.placeholderShape() : original.getShape();
    DataType type = original.dataType();
    SDVariable twin =
        new SDVariable(
            variable.getName(),
            original.getVariableType(),
            copy,
            shape == null ? null : shape.clone(),
            type == DataType.UNKNOWN ? null : type);
    copy.getVariables()
        .put(
            variable.getName(),
            Variable.builder()
                .name(variable.getName())
                .variable(twin)
                .inputsForOp(list(variable.getInputsForOp()))
                .outputOfOp(variable.getOutputOfOp())
                .controlDeps(list(variable.getControlDeps()))
                .controlDepsForOp(list(variable.getControlDepsForOp()))
                .controlDepsForVar(list(variable.getControlDepsForVar()))
                .build());
  }

  private void add(SameDiffOp op) {
    SameDiffOp twin =
        SameDiffOp.builder()
            .name(op.getName())
            .op(OpBinding.copy(op.getOp(), copy))
            .inputsToOp(list(op.getInputsToOp()))
            .outputsOfOp(list(op.getOutputsOfOp()))
            .controlDeps(list(op.getControlDeps()))
            .varControlDeps(list(op.getVarControlDeps()))
            .controlDepFor(list(op.getControlDepFor()))
            .build();
    copy.getOps().put(op.getName(), twin);
  }

  private SharedArrays shared(VariableType type) {
    SharedArrays arrays = new SharedArrays();
    Supplier<@Nullable SameDiff> original = held; // the copy must not keep this object
    for (Variable variable : source.getVariables().values()) {
      if (variable.getVariable().getVariableType() == type) {
        String name = variable.getName();
        arrays.share(
            name,
            () -> {
              SameDiff living = original.get();
              return living == null ? null : living.getArrForVarName(name);
            });
      }
    }
    return arrays;
  }

  private static @Nullable List<String> list(@Nullable List<String> list) {
    return list == null ? null : new ArrayList<>(list);
  }
}
