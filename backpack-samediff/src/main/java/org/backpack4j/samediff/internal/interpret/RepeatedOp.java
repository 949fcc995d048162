package org.backpack4j.samediff.internal.interpret;

import java.util.List;
import org.backpack4j.samediff.internal.nd4j.Contiguous;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.BaseOp;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.api.ops.OpContext;
import org.nd4j.linalg.factory.Nd4j;

/**
 * An op that is run again and again, as its inputs' numbers change and their shapes do not. From
 * the second run on a native op writes into the arrays of the first: to find the shapes of small
 * results and to make arrays for them takes several times as long as to compute them.
 */
public final class RepeatedOp {
  private final SameDiff graph;
  private final SameDiffOp node;
  private List<INDArray> inputs = List.of();
  private List<INDArray> outputs = List.of();

  /** Computes the outputs from the inputs once more; null where nothing can be kept. */
  private @Nullable Runnable again;

  /**
   * An op that has not run.
   *
   * @param graph the graph
   * @param node one of its ops
   */
  public RepeatedOp(SameDiff graph, SameDiffOp node) {
    this.graph = graph;
    this.node = node;
  }

  /**
   * Runs the op.
   *
   * @param arguments its arguments, contiguous and in 'c' order; whole numbers among them, and the
   *     settings of an op, are those of the first run
   * @return its results, valid until the next run; as {@link OpExecution#run} answers them
   */
  public List<INDArray> run(List<INDArray> arguments) {
    Runnable known = again;
    if (known == null || !same(arguments)) {
      again = null;
      outputs = OpExecution.run(graph, node, arguments);
      inputs = List.copyOf(arguments);
      again = prepared();
      return outputs;
    }
    TableBounds.check(node, arguments);
    try {
      known.run();
    } catch (RuntimeException e) {
      throw OpExecution.failed(node, e);
    }
    return outputs;
  }

  private boolean same(List<INDArray> arguments) {
    for (int k = 0; k < arguments.size(); k++) {
      if (arguments.get(k) != inputs.get(k)) {
        return false;
      }
    }
    return true;
  }

  private @Nullable Runnable prepared() {
    if (DynamicShapes.has(node.getOp()) || outputs.stream().anyMatch(INDArray::isEmpty)) {
      return null;
    }
    if (OpExecution.isNative(node.getOp(), inputs)) {
      DynamicCustomOp op = (DynamicCustomOp) node.getOp();
      OpContext context = context(op);
      return () -> Nd4j.exec(op, context);
    }
    if (node.getOp() instanceof BaseOp && inputs.size() == 1) { // a second may be a setting
      LegacyOpExecution.Prepared op = LegacyOpExecution.prepared(node.getOp(), inputs);
      if (op != null && Contiguous.of(op.output()) == op.output()) {
        outputs = List.of(op.exec());
        return op::exec;
      }
    }
    return null;
  }

  private OpContext context(DynamicCustomOp op) {
    OpContext context = Nd4j.getExecutioner().buildContext();
    synchronized (op) { // several ops make up their arguments when they are first asked for them
      context.setArgs(
          inputs.toArray(new INDArray[0]), op.iArgs(), op.dArgs(), op.tArgs(), op.bArgs());
    }
    context.setOutputArrays(outputs);
    return context;
  }
}
