package org.backpack4j.dl4j.train;

import java.util.List;
import java.util.NoSuchElementException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.DataSetPreProcessor;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.dataset.api.MultiDataSetPreProcessor;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;

/** An engine's batches, an epoch at a time. Nothing may read ahead of the training. */
final class PoissonIterator {
  private final Supplier<MultiDataSet> draws;
  private final int steps;
  private final int batch;
  private int made;

  /**
   * An iterator.
   *
   * @param draws draws a batch
   * @param steps how many an epoch has
   * @param batch the expected number of samples
   */
  PoissonIterator(Supplier<MultiDataSet> draws, int steps, int batch) {
    this.draws = draws;
    this.steps = steps;
    this.batch = batch;
  }

  private MultiDataSet next() {
    if (made >= steps) {
      throw new NoSuchElementException("The epoch is over: reset() begins another.");
    }
    MultiDataSet next = draws.get();
    made++;
    return next;
  }

  private static UnsupportedOperationException refusal(String what) {
    return new UnsupportedOperationException(
        what + " batches that are drawn are used as they are: prepare the data set before.");
  }

  /** For networks with one input and one output. */
  DataSetIterator single() {
    return new Single();
  }

  /** For all networks. */
  MultiDataSetIterator multi() {
    return new Multi();
  }

  private final class Single implements DataSetIterator {
    private static final long serialVersionUID = 1L;

    @Override
    public boolean hasNext() {
      return made < steps;
    }

    @Override
    public DataSet next() {
      MultiDataSet batch = PoissonIterator.this.next();
      return new DataSet(
          batch.getFeatures(0),
          batch.getLabels(0),
          first(batch.getFeaturesMaskArrays()),
          first(batch.getLabelsMaskArrays()));
    }

    private static @Nullable INDArray first(INDArray @Nullable [] arrays) {
      return arrays == null ? null : arrays[0];
    }

    @Override
    public DataSet next(int number) {
      throw refusal("The number of samples is drawn;");
    }

    @Override
    public int inputColumns() {
      throw refusal("The shapes are those of the data set;");
    }

    @Override
    public int totalOutcomes() {
      throw refusal("The shapes are those of the data set;");
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
      made = 0;
    }

    @Override
    public int batch() {
      return batch;
    }

    @Override
    public void setPreProcessor(DataSetPreProcessor processor) {
      throw refusal("No preprocessor can be set;");
    }

    @Override
    public @Nullable DataSetPreProcessor getPreProcessor() {
      return null;
    }

    @Override
    public @Nullable List<String> getLabels() {
      return null;
    }
  }

  private final class Multi implements MultiDataSetIterator {
    private static final long serialVersionUID = 1L;

    @Override
    public boolean hasNext() {
      return made < steps;
    }

    @Override
    public MultiDataSet next() {
      return PoissonIterator.this.next();
    }

    @Override
    public MultiDataSet next(int number) {
      throw refusal("The number of samples is drawn;");
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
      made = 0;
    }

    @Override
    public void setPreProcessor(MultiDataSetPreProcessor processor) {
      throw refusal("No preprocessor can be set;");
    }

    @Override
    public @Nullable MultiDataSetPreProcessor getPreProcessor() {
      return null;
    }
  }
}
