package org.backpack4j.samediff.internal.rule;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Whether the backend's poolings heed their dilation. M2.1 with oneDNN leaves it out, without a
 * word, in float: the values of the person's own graph are wrong then.
 */
final class DilatedPooling {
  private static final Map<DataType, Boolean> RIGHT = new ConcurrentHashMap<>();

  private DilatedPooling() {}

  static boolean isRight(DataType type) {
    return RIGHT.computeIfAbsent(type, DilatedPooling::tried);
  }

  /** The larger of the first and the third of three numbers. */
  private static boolean tried(DataType type) {
    INDArray x = Nd4j.createFromArray(1.0, 3.0, 2.0).castTo(type).reshape('c', 1, 1, 1, 3);
    DynamicCustomOp op =
        DynamicCustomOp.builder("maxpool2d")
            .addInputs(x)
            .addIntegerArguments(1, 2, 1, 1, 0, 0, 1, 2, 0, 0, 0)
            .build();
    return Nd4j.exec(op)[0].getDouble(0) == 2;
  }
}
