package org.backpack4j.samediff.internal.execution.run;

import java.util.List;
import java.util.stream.Stream;
import org.backpack4j.samediff.internal.execution.kernel.Kernel;
import org.backpack4j.samediff.internal.execution.plan.Schedule;
import org.backpack4j.samediff.internal.execution.plan.Value;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;

/** One step of a plan. */
public sealed interface Step {

  /** All values that it has to do with. */
  List<Value> values();

  /**
   * An op, or a kernel in its place.
   *
   * @param node the op
   * @param inputs what it reads
   * @param outputs what it writes
   * @param prepared whether all shapes are known, so that it can be prepared
   * @param kernel computes the output in place of the op, if there is one
   * @param scratch where the kernel may write
   * @param forgotten arrays made at run time that are not read after this step
   */
  record Run(
      SameDiffOp node,
      List<Value> inputs,
      List<Value> outputs,
      boolean prepared,
      @Nullable Kernel kernel,
      @Nullable Value scratch,
      List<Value> forgotten)
      implements Step {

    @Override
    public List<Value> values() {
      return Stream.concat(inputs.stream(), outputs.stream()).toList();
    }
  }

  /**
   * Copies the samples of the present group out of a value that has all of them, or into it.
   *
   * @param whole the value with all samples
   * @param part the value with some
   * @param portion where a sample lies in the value with all of them
   * @param in whether it goes into the value with all samples
   */
  record Move(Value whole, Value part, Schedule.Portion portion, boolean in) implements Step {
    @Override
    public List<Value> values() {
      return List.of(whole, part);
    }
  }

  /** Adds to a total what the present group of samples contributes. */
  record Add(Value part, Value total) implements Step {
    @Override
    public List<Value> values() {
      return List.of(part, total);
    }
  }

  /** Hands a result out, by the name that was asked for. */
  record Hand(Value value) implements Step {
    @Override
    public List<Value> values() {
      return List.of(value);
    }
  }

  /** Does steps for one group of samples after the other. */
  record Repeat(List<Step> steps, Schedule.Loop loop) implements Step {
    @Override
    public List<Value> values() {
      return steps.stream().flatMap(step -> step.values().stream()).toList();
    }
  }
}
