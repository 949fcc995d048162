package org.backpack4j.dl4j.internal.vertex;

import org.backpack4j.dl4j.internal.convert.FeatureMask;
import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.backpack4j.dl4j.spi.VertexConverter;
import org.deeplearning4j.nn.conf.graph.rnn.ReverseTimeSeriesVertex;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * {@code ReverseTimeSeriesVertex}: a time series [N, F, T] with its last step first. With the mask
 * of a network input the steps that it leaves out stay where they are, and are zero.
 */
final class ReverseTimeSeriesVertexConverter implements VertexConverter<ReverseTimeSeriesVertex> {
  @Override
  public LayerOutput convert(ReverseTimeSeriesVertex conf, ConversionContext context) {
    LayerOutput x = SeriesVertices.series(context, context.input());
    String name = conf.getMaskArrayInputName();
    LayerOutput named = name == null ? x.withMask(null) : x.withMask(context.network(name).mask());
    SDVariable mask = FeatureMask.ofSteps(context, named, x.size(2));
    return x.with(
        mask == null
            ? context.sd().reverse(x.variable(), 2)
            : x.variable().mmul(places(context, mask, x.size(2))));
  }

  /**
   * [N, T, T]: where each step goes. Step t goes to s if both are present, and as many steps are
   * present up to t as from s on.
   */
  private static SDVariable places(ConversionContext context, SDVariable mask, long steps) {
    SDVariable present = mask.neq(0).castTo(context.type());
    INDArray upTo = Nd4j.zeros(context.type(), steps, steps);
    for (long from = 0; from < steps; from++) {
      for (long t = from; t < steps; t++) {
        upTo.putScalar(from, t, 1);
      }
    }
    SDVariable before = present.mmul(context.constant(upTo));
    SDVariable behind = present.mmul(context.constant(upTo.transpose().dup('c')));
    SDVariable same =
        context
            .sd()
            .eq(
                context.sd().reshape(before, -1, steps, 1),
                context.sd().reshape(behind, -1, 1, steps))
            .castTo(context.type());
    return same.mul(context.sd().reshape(present, -1, steps, 1))
        .mul(context.sd().reshape(present, -1, 1, steps));
  }
}
