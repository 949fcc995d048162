package org.backpack4j.samediff.internal.execution.plan;

import java.util.List;
import org.backpack4j.samediff.internal.execution.kernel.Kernel;
import org.backpack4j.samediff.internal.execution.run.Task;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.api.buffer.DataType;

/** An op, what a plan does with it, and with which kernel. No two are equal. */
final class OpPlan implements Task {

  /** What a plan does with an op. */
  enum Way {
    /** Nothing: its outputs are known. */
    NONE,
    /** Nothing: its outputs lie in its first input. */
    VIEW,
    /** It runs in memory that is set aside for it. */
    PREPARED,
    /** It runs into new arrays, whose shapes it finds out itself. */
    PLAIN
  }

  final SameDiffOp node;
  final Way way;
  final @Nullable Kernel kernel;
  final @Nullable Value scratch;
  private final List<Value> inputs;
  private final List<Value> outputs;

  OpPlan(SameDiffOp node, List<Value> inputs, List<Value> outputs, Way way) {
    this(node, inputs, outputs, way, null);
  }

  private OpPlan(
      SameDiffOp node, List<Value> inputs, List<Value> outputs, Way way, @Nullable Kernel kernel) {
    this.node = node;
    this.inputs = inputs;
    this.outputs = outputs;
    this.way = way;
    this.kernel = kernel;
    long bytes = kernel == null ? 0 : kernel.scratchBytes();
    this.scratch =
        bytes == 0
            ? null
            : Value.of(node.getName() + " scratch", DataType.INT8, new long[] {bytes});
  }

  @Override
  public List<Value> inputs() {
    return inputs;
  }

  @Override
  public List<Value> outputs() {
    return outputs;
  }

  /** The same outputs, by a kernel from given inputs. */
  OpPlan by(Kernel other, List<Value> from) {
    return new OpPlan(node, from, outputs, Way.PREPARED, other);
  }

  /** The same, reading other values of the same shapes. */
  OpPlan reading(List<Value> others) {
    return new OpPlan(node, others, outputs, way, kernel);
  }

  /** What its outputs take, if it is run. */
  long bytes() {
    return way == Way.PREPARED ? outputs.stream().mapToLong(Value::bytes).sum() : 0;
  }

  /** How many numbers its outputs have, if it is run. */
  long numbers() {
    return way == Way.PREPARED ? outputs.stream().mapToLong(Value::length).sum() : 0;
  }

  @Override
  public String toString() {
    return node.getName() + " " + way;
  }
}
