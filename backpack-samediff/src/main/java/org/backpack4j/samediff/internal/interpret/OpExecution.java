package org.backpack4j.samediff.internal.interpret;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.backpack4j.samediff.internal.faults.SegmentFaults;
import org.backpack4j.samediff.internal.nd4j.Contiguous;
import org.backpack4j.samediff.internal.rewrite.InferenceDropoutToIdentity;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.api.ops.Op;
import org.nd4j.linalg.api.ops.OpContext;
import org.nd4j.linalg.api.ops.custom.Invoke;
import org.nd4j.linalg.api.ops.impl.controlflow.compat.Enter;
import org.nd4j.linalg.api.ops.impl.controlflow.compat.Exit;
import org.nd4j.linalg.api.ops.impl.controlflow.compat.LoopCond;
import org.nd4j.linalg.api.ops.impl.controlflow.compat.Merge;
import org.nd4j.linalg.api.ops.impl.controlflow.compat.NextIteration;
import org.nd4j.linalg.api.ops.impl.controlflow.compat.Switch;
import org.nd4j.linalg.api.ops.impl.controlflow.compat.While;
import org.nd4j.linalg.api.ops.impl.layers.ExternalErrorsFunction;
import org.nd4j.linalg.api.ops.impl.shape.CreateView;
import org.nd4j.linalg.api.ops.impl.shape.tensorops.BaseTensorOp;
import org.nd4j.linalg.api.ops.impl.transforms.Assert;
import org.nd4j.linalg.api.ops.impl.transforms.custom.Assign;
import org.nd4j.linalg.api.ops.impl.transforms.gradient.GradientBackwardsMarker;
import org.nd4j.linalg.api.ops.impl.transforms.same.Identity;
import org.nd4j.linalg.api.shape.LongShapeDescriptor;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Runs one op of a graph on given arrays, into arrays that are made for it.
 *
 * <p>The arguments are set up as in SameDiff's {@code InferenceSession}, but nothing is stored in
 * the op object, which other threads may be running too: a custom op gets a context of its own, a
 * legacy op is run through a private duplicate.
 */
public final class OpExecution {
  /** What needs frames, lists of arrays or another graph. */
  private static final Set<Class<?>> UNSUPPORTED =
      Set.of(
          Enter.class,
          Exit.class,
          LoopCond.class,
          Merge.class,
          NextIteration.class,
          Switch.class,
          While.class,
          Invoke.class,
          ExternalErrorsFunction.class);

  /** Ops that M2.1 computes in their input, which is garbage afterwards. */
  public static final Set<String> OVERWRITES_INPUT =
      Set.of("adjust_contrast", "adjust_contrast_v2");

  private OpExecution() {}

  /**
   * Says whether the op is control flow, works on a list of arrays, or is a function of another
   * graph: such an op can be neither walked nor copied.
   *
   * @param op an op
   * @return true if nothing here can run it
   */
  public static boolean isControlFlow(DifferentialFunction op) {
    return op instanceof BaseTensorOp || UNSUPPORTED.contains(op.getClass());
  }

  /**
   * Throws an {@link UnsupportedOperationException} that names an op which cannot be run here.
   *
   * @param graph the graph
   * @param node one of its ops
   */
  public static void checkSupported(SameDiff graph, SameDiffOp node) {
    DifferentialFunction op = node.getOp();
    if (isControlFlow(op)) {
      throw unsupported(node, "is control flow or works on a list of arrays");
    }
    if (op instanceof Assign
        && graph.getVariableOutputOp(node.getInputsToOp().get(0)) instanceof CreateView) {
      throw unsupported(node, "writes to a part of another variable");
    }
    if (StridedSlices.isBackwards(graph, node)) {
      throw unsupported(node, "has a negative stride, of which M2.1 crashes");
    }
    if (TruncatedDivisions.canCrash(graph, node)) {
      throw unsupported(
          node,
          "may divide by a number between -1 and 1, of which M2.1 crashes ("
              + TruncatedDivisions.REMEDY
              + ")");
    }
  }

  private static UnsupportedOperationException unsupported(SameDiffOp node, String why) {
    return new UnsupportedOperationException(
        "The op \""
            + node.getName()
            + "\" ("
            + node.getOp().opName()
            + ") "
            + why
            + ": it cannot be run op by op.");
  }

  /**
   * Runs one op. The answers are contiguous and in 'c' order; they are new arrays, except that an
   * identity answers its input.
   *
   * @param graph the graph
   * @param node one of its ops
   * @param inputs the op's arguments, contiguous and in 'c' order; they are not written to
   * @return the op's results
   */
  public static List<INDArray> run(SameDiff graph, SameDiffOp node, List<INDArray> inputs) {
    DifferentialFunction op = node.getOp();
    if (op instanceof Identity || InferenceDropoutToIdentity.keepsAll(op)) {
      return List.of(inputs.get(0));
    }
    if (op instanceof CreateView) {
      INDArray[] indices = inputs.subList(1, inputs.size()).toArray(new INDArray[0]);
      return List.of(CreateView.createFrom(inputs.get(0), indices).dup('c'));
    }
    if (op instanceof GradientBackwardsMarker) {
      return List.of(Nd4j.scalar(DataType.FLOAT, 1.0));
    }
    if (op instanceof Assert) {
      check(node, inputs);
    }
    if (op instanceof DynamicCustomOp customOp) {
      TableBounds.check(node, inputs);
      if (!inputs.isEmpty() && SegmentFaults.isAtRisk(op.opName(), inputs.get(0))) {
        return List.of(SegmentFaults.run(customOp, inputs));
      }
      return runCustom(graph, node, customOp, inputs);
    }
    if (op instanceof Op) {
      return List.of(LegacyOpExecution.run(op, inputs));
    }
    throw new UnsupportedOperationException(
        "The op \"" + node.getName() + "\" (" + op.getClass().getName() + ") cannot be run.");
  }

  /** Whether an op is run by its native code and nothing else, which leaves its inputs alone. */
  static boolean isNative(DifferentialFunction op, List<INDArray> inputs) {
    return op instanceof DynamicCustomOp
        && !(op instanceof Identity)
        && !(op instanceof CreateView)
        && !(op instanceof GradientBackwardsMarker)
        && !(op instanceof Assert)
        && !(op instanceof Assign)
        && !InferenceDropoutToIdentity.keepsAll(op)
        && !OVERWRITES_INPUT.contains(op.opName())
        && (inputs.isEmpty() || !SegmentFaults.isAtRisk(op.opName(), inputs.get(0)));
  }

  private static void check(SameDiffOp node, List<INDArray> inputs) {
    if (inputs.get(0).getDouble(0) == 0.0) {
      throw new IllegalStateException("The assertion \"" + node.getName() + "\" failed.");
    }
  }

  private static List<INDArray> runCustom(
      SameDiff graph, SameDiffOp node, DynamicCustomOp op, List<INDArray> inputs) {
    synchronized (op) {
      List<String> results = node.getOutputsOfOp();
      SlidingWindows.check(
          results == null || results.isEmpty() ? node.getName() : results.get(0),
          op.opName(),
          op.iArgs(),
          inputs.stream().map(INDArray::shape).toList());
    }
    OpContext context = Nd4j.getExecutioner().buildContext();
    INDArray[] arguments = inputs.toArray(new INDArray[0]);
    if (OVERWRITES_INPUT.contains(op.opName())) {
      arguments[0] = arguments[0].dup('c');
    }
    try {
      // Several ops make up their arguments when they are first asked for them.
      synchronized (op) {
        context.setArgs(arguments, op.iArgs(), op.dArgs(), op.tArgs(), op.bArgs());
      }
      List<INDArray> outputs =
          op instanceof Assign
              ? List.of(inputs.get(0).dup('c'))
              : outputs(graph, node, op, context);
      // Nothing to compute; M2.1's conv2d, for one, divides by zero where its output is empty.
      if (outputs.isEmpty() || !outputs.stream().allMatch(INDArray::isEmpty)) {
        for (int i = 0; i < outputs.size(); i++) {
          context.setOutputArray(i, outputs.get(i));
        }
        Nd4j.exec(op, context);
      }
      return outputs.stream().map(Contiguous::of).toList();
    } catch (RuntimeException e) {
      throw failed(node, e);
    } finally {
      context.purge();
    }
  }

  /**
   * What is thrown where an op fails.
   *
   * @param node the op
   * @param e how it failed
   * @return an exception that names the op
   */
  public static IllegalStateException failed(SameDiffOp node, RuntimeException e) {
    return new IllegalStateException(
        "The op \""
            + node.getName()
            + "\" ("
            + node.getOp().opName()
            + ") failed: "
            + e.getMessage(),
        e);
  }

  /** Arrays as an op would answer them, of which the entries are not set: the op is not run. */
  static List<INDArray> shapedLike(
      SameDiff graph, SameDiffOp node, DynamicCustomOp op, List<INDArray> inputs) {
    OpContext context = Nd4j.getExecutioner().buildContext();
    try {
      synchronized (op) {
        context.setArgs(
            inputs.toArray(new INDArray[0]), op.iArgs(), op.dArgs(), op.tArgs(), op.bArgs());
      }
      return outputs(graph, node, op, context);
    } finally {
      context.purge();
    }
  }

  private static List<INDArray> outputs(
      SameDiff graph, SameDiffOp node, DynamicCustomOp op, OpContext context) {
    @Nullable List<LongShapeDescriptor> shapes = op.calculateOutputShape(context);
    List<String> names = node.getOutputsOfOp();
    if (shapes == null || shapes.size() != names.size()) {
      throw new IllegalStateException(
          "M2.1 calculates "
              + (shapes == null ? "no" : shapes.size())
              + " output shapes for "
              + names.size()
              + " outputs");
    }
    List<INDArray> outputs = new ArrayList<>(names.size());
    for (int i = 0; i < names.size(); i++) {
      // Some ops' shape functions do not know the data type; the variable does.
      DataType type = graph.getVariable(names.get(i)).dataType();
      LongShapeDescriptor shape = shapes.get(i);
      outputs.add(Nd4j.create(shape.dataType() == type ? shape : shape.asDataType(type), false));
    }
    return outputs;
  }
}
