package org.backpack4j.dl4j.train;

import java.util.LinkedHashMap;
import java.util.Map;
import org.backpack4j.samediff.curvature.ParameterLayout;
import org.deeplearning4j.nn.api.Model;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A network's gradient in the layout of a matrix: the mean over the samples of the batch. */
final class MeanGradient {
  private final ParameterLayout layout;
  private final Map<String, INDArray> views = new LinkedHashMap<>();

  /** What DL4J's updater divides by. */
  private final double divisor;

  private final INDArray flat;

  private MeanGradient(Model net, ParameterLayout layout) {
    this.layout = layout;
    Map<String, INDArray> parts = new LinkedHashMap<>();
    for (String name : layout.names()) {
      INDArray view = net.gradient().getGradientFor(name);
      if (view == null) {
        throw new IllegalStateException("DL4J has no gradient of \"" + name + "\".");
      }
      views.put(name, view);
      parts.put(name, view.dup('c').reshape(layout.shape(name)));
    }
    flat = layout.join(parts).divi(net.batchSize());
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
    layout
        .split(vector.mul(divisor))
        .forEach(
            (name, part) -> {
              INDArray view = views.get(name);
              if (view != null) {
                view.assign(part.castTo(view.dataType()).reshape(view.shape()));
              }
            });
  }
}
