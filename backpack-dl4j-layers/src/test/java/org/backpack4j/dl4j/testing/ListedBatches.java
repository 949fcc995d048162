package org.backpack4j.dl4j.testing;

import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.dataset.api.MultiDataSetPreProcessor;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;

/** The batches of a list, one after the other. */
public final class ListedBatches implements MultiDataSetIterator {
  private static final long serialVersionUID = 1L;
  private final transient List<MultiDataSet> batches;
  private transient Iterator<MultiDataSet> left;

  public ListedBatches(List<MultiDataSet> batches) {
    this.batches = batches;
    this.left = batches.iterator();
  }

  @Override
  public MultiDataSet next(int samples) {
    return next();
  }

  @Override
  public void setPreProcessor(MultiDataSetPreProcessor preProcessor) {
    throw new UnsupportedOperationException();
  }

  @Override
  public @Nullable MultiDataSetPreProcessor getPreProcessor() {
    return null;
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
  public void reset() {
    left = batches.iterator();
  }

  @Override
  public boolean hasNext() {
    return left.hasNext();
  }

  @Override
  public MultiDataSet next() {
    return left.next();
  }
}
