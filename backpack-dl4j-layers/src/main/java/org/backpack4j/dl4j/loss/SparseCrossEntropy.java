package org.backpack4j.dl4j.loss;

import org.backpack4j.dl4j.convert.LossConverter;
import org.backpack4j.dl4j.convert.LossSite;
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
  public void convert(LossSparseMCXENT loss, LossSite site) {
    SameDiff sd = site.sd();
    SDVariable numbers = sd.reshape(site.labels(), -1).castTo(DataType.INT64);
    SDVariable rows =
        sd.oneHot(numbers, (int) site.columns(), -1, 1, 0, site.preOutput().dataType());
    dense.convert(loss, site.with(rows));
  }
}
