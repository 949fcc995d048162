package org.backpack4j.samediff.internal.nd4j;

import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * All that decides what can be found out about an op before it is given numbers, as text. An
 * unrolled recurrent network has thousands of ops and some dozens of signatures: what was found out
 * about one op holds for every other of the same signature.
 */
public final class OpSignature {
  /** A larger array is not read. */
  private static final long MOST_READ = 4096;

  private OpSignature() {}

  /**
   * An op's signature.
   *
   * @param graph the graph
   * @param node one of its ops
   * @param inputs what is known of each input
   * @return the signature; null for an op of somebody else's, which may depend on more
   */
  public static @Nullable String of(SameDiff graph, SameDiffOp node, List<String> inputs) {
    String type = node.getOp().getClass().getName();
    if (!type.startsWith("org.nd4j.")) {
      return null;
    }
    StringBuilder signature = new StringBuilder(type).append(OpAttributes.of(node.getOp()));
    for (String output : node.getOutputsOfOp()) {
      signature.append(VariableLookup.variable(graph, output).getVariable().dataType()).append(',');
    }
    return signature.append(inputs).toString();
  }

  /**
   * An input of which the shape is known.
   *
   * @param type its data type
   * @param shape its shape
   * @return the description
   */
  public static String input(DataType type, long[] shape) {
    return type + Arrays.toString(shape);
  }

  /**
   * An input that is known.
   *
   * @param array its value
   * @return its type, shape and numbers; null if they are too many, or no numbers
   */
  public static @Nullable String input(INDArray array) {
    String description = input(array.dataType(), array.shape());
    if (array.isEmpty()) {
      return description + "empty";
    }
    if (array.dataType() == DataType.UTF8 || array.length() > MOST_READ) {
      return null;
    }
    INDArray flat = array.ravel();
    return description
        + (array.dataType().isFPType()
            ? Arrays.toString(flat.castTo(DataType.DOUBLE).toDoubleVector())
            : Arrays.toString(flat.castTo(DataType.INT64).toLongVector()));
  }
}
