package org.backpack4j.dl4j.layer;

import org.backpack4j.dl4j.convert.LayerConverter;
import org.backpack4j.dl4j.convert.Obstacles;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.deeplearning4j.nn.conf.layers.CenterLossOutputLayer;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.activations.impl.ActivationIdentity;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.impl.LossL2;

/**
 * {@code CenterLossOutputLayer}: an output layer with λ/2 Σ ‖x − c‖² beside its loss, c the centre
 * of the sample's class, which no mask leaves out. DL4J moves the centres cL by a rule of its own:
 * they have no quantities.
 */
final class CenterLoss implements LayerConverter<CenterLossOutputLayer> {
  @Override
  public void check(CenterLossOutputLayer conf, Obstacles obstacles) {
    obstacles.loss(conf.getLossFn(), conf.getActivationFn());
  }

  @Override
  public Value convert(CenterLossOutputLayer conf, Site site) {
    Value x = site.input();
    Value mask = LossAlone.mask(site, conf.getNOut());
    Value z = Rows.masked(Rows.affine(site, x), mask);
    if (site.output()) {
      SDVariable labels = site.labels(-1, z.size(1));
      site.loss(conf.getLossFn(), conf.getActivationFn(), z, labels, mask, 1);
      SDVariable centres = labels.mmul(site.state("cL").variable());
      LossL2 half =
          new LossL2(
              Nd4j.valueArrayOf(new long[] {1, x.size(1)}, conf.getLambda() / 2, DataType.DOUBLE));
      site.loss(half, new ActivationIdentity(), x, centres, null, 1);
    }
    return Rows.masked(site.activate(conf.getActivationFn(), z), mask);
  }
}
