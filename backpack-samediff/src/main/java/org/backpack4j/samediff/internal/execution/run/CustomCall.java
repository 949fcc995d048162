package org.backpack4j.samediff.internal.execution.run;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.api.ops.OpContext;
import org.nd4j.linalg.factory.Nd4j;

/** A native op in a context that is made once. The op object is only read. */
public final class CustomCall implements Call {
  private final DynamicCustomOp op;
  private final OpContext context;

  CustomCall(DynamicCustomOp op) {
    this.op = op;
    this.context = context(op);
  }

  private static OpContext context(DynamicCustomOp op) {
    OpContext context = Nd4j.getExecutioner().buildContext();
    setArguments(context, op);
    context.shapeFunctionOverride(true); // the plan knows the shapes: a fifth of a small op's time
    return context;
  }

  public static void setArguments(OpContext context, DynamicCustomOp op) {
    // Several ops make up their arguments when they are first asked for them.
    synchronized (op) {
      context.setIArguments(op.iArgs());
      context.setDArguments(op.dArgs());
      context.setTArguments(op.tArgs());
      context.setBArguments(op.bArgs());
    }
  }

  @Override
  public void bind(INDArray[] inputs, INDArray[] outputs) {
    // A context keeps whatever it has been given until it is purged.
    context.purge();
    context.setInputArrays(inputs);
    context.setOutputArrays(outputs);
  }

  @Override
  public void run() {
    Nd4j.exec(op, context);
  }
}
