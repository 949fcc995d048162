package org.backpack4j.dl4j.internal.layer;

import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerConverter;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.deeplearning4j.nn.conf.layers.DropoutLayer;

/** {@code DropoutLayer}: its input, which has passed the dropout. Rows that are masked are zero. */
final class DropoutLayerConverter implements LayerConverter<DropoutLayer> {
  @Override
  public LayerOutput convert(DropoutLayer conf, ConversionContext context) {
    return Rows.shown(context, context.input());
  }
}
