package org.backpack4j.samediff.internal.execution.run;

import java.util.ArrayList;
import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A call that consists of others, which are made anew whenever the arrays are others. */
public abstract class CompositeCall implements Call {
  private final List<Call> calls = new ArrayList<>();

  /** Makes the calls for given arrays, in order. */
  public abstract void make(INDArray[] inputs, INDArray output, List<Call> calls);

  @Override
  public final void bind(INDArray[] inputs, INDArray[] outputs) {
    calls.clear();
    make(inputs, outputs[0], calls);
  }

  @Override
  public final void run() {
    for (Call call : calls) {
      call.run();
    }
  }
}
