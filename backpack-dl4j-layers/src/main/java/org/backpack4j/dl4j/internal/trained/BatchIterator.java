package org.backpack4j.dl4j.internal.trained;

import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.dataset.api.MultiDataSetPreProcessor;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;

/** An iterator of batches that are as they are. */
public abstract class BatchIterator implements MultiDataSetIterator {
  private static final long serialVersionUID = 1L;

  /** The batches of another kind of iterator. */
  public static MultiDataSetIterator of(DataSetIterator iterator) {
    return new Adapted(iterator);
  }

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

  private static final class Adapted extends BatchIterator {
    private static final long serialVersionUID = 1L;

    private final transient DataSetIterator inner;

    Adapted(DataSetIterator inner) {
      this.inner = inner;
    }

    @Override
    public boolean hasNext() {
      return inner.hasNext();
    }

    @Override
    public MultiDataSet next() {
      if (!inner.hasNext()) { // which asynchronous iterators have to be asked
        throw new NoSuchElementException("The data have no further batch.");
      }
      return inner.next().toMultiDataSet();
    }

    @Override
    public boolean resetSupported() {
      return inner.resetSupported();
    }

    @Override
    public void reset() {
      inner.reset();
    }
  }
}
