package org.backpack4j.dl4j.internal.loss;

import org.backpack4j.dl4j.spi.LossContext;
import org.backpack4j.dl4j.spi.LossConverter;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.lossfunctions.impl.LossSparseMCXENT;

/**
 * {@code LossSparseMCXENT}: {@link CrossEntropy} with the number of each row's class as its label.
 */
final class SparseCrossEntropy implements LossConverter<LossSparseMCXENT> {
  private final CrossEntropy dense = new CrossEntropy();

  @Override
  public long labelColumns(LossSparseMCXENT loss, long columns) {
    return 1;
  }

  @Override
  public void convert(LossSparseMCXENT loss, LossContext context) {
    SameDiff sd = context.sd();
    SDVariable numbers = sd.reshape(context.labels(), -1).castTo(DataType.INT64);
    SDVariable rows =
        sd.oneHot(numbers, (int) context.columns(), -1, 1, 0, context.preOutput().dataType());
    dense.convert(loss, context.with(rows));
  }
}
