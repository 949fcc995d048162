package org.backpack4j.dl4j.influence;

import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.dataset.api.MultiDataSetPreProcessor;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;

/** An iterator of batches that are as they are. */
abstract class BatchIterator implements MultiDataSetIterator {
  private static final long serialVersionUID = 1L;

  @Override
  public MultiDataSet next(int count) {
    return next();
  }

  @Override
  public boolean resetSupported() {
    return true;
  }

  @Override
  public boolean asyncSupported() {
    return false;
  }

  @Override
  public void setPreProcessor(@Nullable MultiDataSetPreProcessor preProcessor) {
    throw new UnsupportedOperationException("set it on the iterator itself");
  }

  @Override
  public @Nullable MultiDataSetPreProcessor getPreProcessor() {
    return null;
  }
}
