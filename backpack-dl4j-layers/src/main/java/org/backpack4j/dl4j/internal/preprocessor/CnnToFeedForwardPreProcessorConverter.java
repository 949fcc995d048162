package org.backpack4j.dl4j.internal.preprocessor;

import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.backpack4j.dl4j.spi.PreprocessorConverter;
import org.deeplearning4j.nn.conf.preprocessor.CnnToFeedForwardPreProcessor;

/**
 * {@code CnnToFeedForwardPreProcessor}: images [N, …] as rows, in their own layout. A mask of whole
 * images [N, 1, 1, 1] goes along as [N, 1].
 */
final class CnnToFeedForwardPreProcessorConverter
    implements PreprocessorConverter<CnnToFeedForwardPreProcessor> {
  @Override
  public LayerOutput convert(CnnToFeedForwardPreProcessor conf, ConversionContext context) {
    return withRowMask(context, flat(context));
  }

  /** Images and volumes as rows. */
  static LayerOutput flat(ConversionContext context) {
    LayerOutput x = context.input();
    if (x.rank() == 2) {
      return x;
    }
    long length = x.sampleLength();
    return x.with(context.sd().reshape(x.variable(), -1, length), -1, length);
  }

  /** Rows whose mask is brought from [N, 1, 1, 1] into [N, 1]. */
  static LayerOutput withRowMask(ConversionContext context, LayerOutput rows) {
    LayerOutput mask = rows.mask();
    if (mask == null || mask.rank() == 2) {
      return rows;
    }
    if (mask.sampleLength() != 1) {
      throw context.refuse(
          "a mask of the features reaches it, " + mask + ", of which DL4J makes none for rows",
          "mask whole images, [N, 1, 1, 1], or train without features' masks");
    }
    return rows.withMask(mask.with(context.sd().reshape(mask.variable(), -1, 1), -1, 1));
  }
}
