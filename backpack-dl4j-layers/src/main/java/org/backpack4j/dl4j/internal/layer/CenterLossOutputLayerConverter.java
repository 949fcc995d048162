package org.backpack4j.dl4j.internal.layer;

import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerConverter;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.backpack4j.dl4j.spi.Obstacles;
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
final class CenterLossOutputLayerConverter implements LayerConverter<CenterLossOutputLayer> {
  @Override
  public void check(CenterLossOutputLayer conf, Obstacles obstacles) {
    obstacles.loss(conf.getLossFn(), conf.getActivationFn());
  }

  @Override
  public LayerOutput convert(CenterLossOutputLayer conf, ConversionContext context) {
    LayerOutput x = context.input();
    LayerOutput mask = LossLayerConverter.mask(context, conf.getNOut());
    LayerOutput z = Rows.masked(Rows.affine(context, x), mask);
    if (context.output()) {
      SDVariable labels = context.labels(-1, z.size(1));
      context.loss(conf.getLossFn(), conf.getActivationFn(), z, labels, mask, 1);
      SDVariable centres = labels.mmul(context.state("cL").variable());
      LossL2 half =
          new LossL2(
              Nd4j.valueArrayOf(new long[] {1, x.size(1)}, conf.getLambda() / 2, DataType.DOUBLE));
      context.loss(half, new ActivationIdentity(), x, centres, null, 1);
    }
    return Rows.masked(context.activate(conf.getActivationFn(), z), mask);
  }
}
