package org.backpack4j.samediff.execution;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.api.ops.OpContext;
import org.nd4j.linalg.factory.Nd4j;

/** A native op in a context that is made once. The op object is only read. */
final class CustomCall implements Call {
  private final DynamicCustomOp op;
  private final boolean random;
  private OpContext context;

  CustomCall(DynamicCustomOp op) {
    this.op = op;
    this.random = OpTraits.isRandom(op);
    this.context = context(op);
  }

  private static OpContext context(DynamicCustomOp op) {
    OpContext context = Nd4j.getExecutioner().buildContext();
    setArguments(context, op);
    context.shapeFunctionOverride(true); // the plan knows the shapes: a fifth of a small op's time
    return context;
  }

  static void setArguments(OpContext context, DynamicCustomOp op) {
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
    if (random) {
      // The state of a random op lives in its context; a plain evaluation begins with a new one.
      OpContext used = context;
      context = context(op);
      context.setInputArrays(used.getInputArrays());
      context.setOutputArrays(used.getOutputArrays());
      used.purge();
    }
    Nd4j.exec(op, context);
  }
}
