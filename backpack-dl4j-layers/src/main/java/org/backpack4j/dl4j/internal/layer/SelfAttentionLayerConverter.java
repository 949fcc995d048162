package org.backpack4j.dl4j.internal.layer;

import org.backpack4j.dl4j.internal.convert.FeatureMask;
import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerConverter;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.deeplearning4j.nn.conf.layers.SelfAttentionLayer;
import org.nd4j.autodiff.samediff.SDVariable;

/** {@code SelfAttentionLayer}: every step of a time series [N, F, T] attends to all steps. */
final class SelfAttentionLayerConverter implements LayerConverter<SelfAttentionLayer> {
  @Override
  public LayerOutput convert(SelfAttentionLayer conf, ConversionContext context) {
    Heads.warn(context);
    LayerOutput x = new Series(context, context.input(), null).value();
    SDVariable mask = FeatureMask.ofSteps(context, x, x.size(2));
    return Heads.attend(context, conf.isProjectInput(), x, x, x, mask);
  }
}
