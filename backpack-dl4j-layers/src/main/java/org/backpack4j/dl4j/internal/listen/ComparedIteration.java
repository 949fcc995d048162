package org.backpack4j.dl4j.internal.listen;

import java.util.Map;
import org.backpack4j.dl4j.internal.convert.ConvertedGraph;
import org.backpack4j.dl4j.internal.convert.IterationState;
import org.backpack4j.dl4j.internal.convert.NetworkBatch;
import org.backpack4j.samediff.ExtendedGraph;
import org.deeplearning4j.nn.api.Model;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * An iteration whose gradient is compared with DL4J's.
 *
 * @param net the network, whose gradient has just been computed
 * @param batch from what
 * @param given what belongs to the iteration alone
 * @param converted the network's conversion
 * @param graph its extension
 * @param feeds what it was fed
 * @param results our quantities, {@code conv1_W.grad}
 * @param factor what ours is to be multiplied by to be in DL4J's scale
 */
public record ComparedIteration(
    Model net,
    NetworkBatch batch,
    IterationState given,
    ConvertedGraph converted,
    ExtendedGraph graph,
    Map<String, INDArray> feeds,
    Map<String, INDArray> results,
    double factor) {

  boolean isDouble() {
    return net.params().dataType() == DataType.DOUBLE;
  }

  /** The relative distance of neighbouring numbers. */
  double epsilon() {
    return switch (net.params().dataType()) {
      case DOUBLE -> Math.ulp(1.0);
      case HALF -> 0x1p-10;
      default -> Math.ulp(1f);
    };
  }

  Map<String, INDArray> theirs() {
    return net.gradient().gradientForVariable();
  }

  /**
   * Whether DL4J can be had make the same pass again: it has drawn nothing, and all is converted.
   */
  boolean canBeRepeated() {
    return given.noise().isEmpty() && given.parameters().isEmpty() && converted.begins().isEmpty();
  }

  /** What is known of the summands, with the norm of the whole network's gradient. */
  GradientSummands summands(Map<String, INDArray> gradient, double epsilon) {
    double all = 0;
    for (String parameter : converted.parameters()) {
      INDArray array = gradient.get(parameter);
      all = array == null ? all : Math.hypot(all, GradientDistance.norm(array));
    }
    return new GradientSummands(results, factor, batch.samples(), epsilon, all);
  }
}
