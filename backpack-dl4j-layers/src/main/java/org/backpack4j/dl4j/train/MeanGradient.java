package org.backpack4j.dl4j.train;

import java.util.LinkedHashMap;
import java.util.Map;
import org.backpack4j.samediff.curvature.ParameterLayout;
import org.deeplearning4j.nn.api.Model;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** A network's gradient in the layout of a matrix: the mean over the samples of the batch. */
final class MeanGradient {
  private final ParameterLayout layout;
  private final Map<String, INDArray> views = new LinkedHashMap<>();

  /** What DL4J's updater divides by. */
  private final double divisor;

  private final INDArray flat;

  private MeanGradient(Model net, ParameterLayout layout) {
    this.layout = layout;
    flat = Nd4j.create(DataType.DOUBLE, layout.size());
    for (String name : layout.names()) {
      INDArray view = net.gradient().getGradientFor(name);
      if (view == null) {
        throw new IllegalStateException("DL4J has no gradient of \"" + name + "\".");
      }
      views.put(name, view);
      part(flat, name, view).assign(view);
    }
    flat.divi(net.batchSize());
    divisor = net.conf().isMiniBatch() ? net.batchSize() : 1;
  }

  static MeanGradient of(Model net, ParameterLayout layout) {
    return new MeanGradient(net, layout);
  }

  /** ḡ [D]. */
  INDArray flat() {
    return flat;
  }

  /** Puts a vector [D] in its place, so that DL4J's updater is given that vector. */
  void replaceBy(INDArray vector) {
    INDArray scaled = vector.mul(divisor);
    views.forEach((name, view) -> view.assign(part(scaled, name, view)));
  }

  /** A parameter's part of a vector, as a view of the shape that DL4J has. */
  private INDArray part(INDArray vector, String name, INDArray view) {
    long from = layout.offset(name);
    return vector
        .get(NDArrayIndex.interval(from, from + layout.size(name)))
        .reshape('c', view.shape());
  }
}
