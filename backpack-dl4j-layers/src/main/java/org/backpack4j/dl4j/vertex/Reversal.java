package org.backpack4j.dl4j.vertex;

import org.backpack4j.dl4j.convert.FeatureMask;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.backpack4j.dl4j.convert.VertexConverter;
import org.deeplearning4j.nn.conf.graph.rnn.ReverseTimeSeriesVertex;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * {@code ReverseTimeSeriesVertex}: a time series [N, F, T] with its last step first. With the mask
 * of a network input the steps that it leaves out stay where they are, and are zero.
 */
final class Reversal implements VertexConverter<ReverseTimeSeriesVertex> {
  @Override
  public Value convert(ReverseTimeSeriesVertex conf, Site site) {
    Value x = SeriesVertices.series(site, site.input());
    String name = conf.getMaskArrayInputName();
    Value named = name == null ? x.withMask(null) : x.withMask(site.network(name).mask());
    SDVariable mask = FeatureMask.ofSteps(site, named, x.size(2));
    return x.with(
        mask == null
            ? site.sd().reverse(x.variable(), 2)
            : x.variable().mmul(places(site, mask, x.size(2))));
  }

  /**
   * [N, T, T]: where each step goes. Step t goes to s if both are present, and as many steps are
   * present up to t as from s on.
   */
  private static SDVariable places(Site site, SDVariable mask, long steps) {
    SDVariable present = mask.neq(0).castTo(site.type());
    INDArray upTo = Nd4j.zeros(site.type(), steps, steps);
    for (long from = 0; from < steps; from++) {
      for (long t = from; t < steps; t++) {
        upTo.putScalar(from, t, 1);
      }
    }
    SDVariable before = present.mmul(site.constant(upTo));
    SDVariable behind = present.mmul(site.constant(upTo.transpose().dup('c')));
    SDVariable same =
        site.sd()
            .eq(site.sd().reshape(before, -1, steps, 1), site.sd().reshape(behind, -1, 1, steps))
            .castTo(site.type());
    return same.mul(site.sd().reshape(present, -1, steps, 1))
        .mul(site.sd().reshape(present, -1, 1, steps));
  }
}
