package org.backpack4j.samediff.internal.dataset;

import java.util.Iterator;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.backpack4j.samediff.dataset.BatchGraphs;
import org.backpack4j.samediff.dataset.BatchGraphs.GraphBatch;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;

/** The batches of a data set, of whatever kind, from the first to the last. */
public interface Batches {
  /** Whether there is another batch. */
  boolean hasNext();

  /** The next batch. */
  Batch next();

  /** A batch before it is known which graph evaluates it. */
  interface Batch {
    /** The graph that evaluates it, and what that is fed. */
    GraphBatch graph(BatchGraphs graphs);

    /** Adds all of it to a checksum. */
    void addTo(Contents contents);
  }

  /** Of an iterator, which is reset before if it can be. */
  static Batches of(DataSetIterator iterator) {
    if (iterator.resetSupported()) {
      iterator.reset();
    }
    return of(iterator::hasNext, () -> batch(iterator.next().toMultiDataSet()));
  }

  /** Of an iterator, which is reset before if it can be. */
  static Batches of(MultiDataSetIterator iterator) {
    if (iterator.resetSupported()) {
      iterator.reset();
    }
    return of(iterator::hasNext, () -> batch(iterator.next()));
  }

  /** Of feeds. */
  static Batches of(Iterator<Map<String, INDArray>> feeds) {
    return of(feeds::hasNext, () -> batch(feeds.next()));
  }

  /** Of data sets, one after the other. */
  static Batches ofDataSets(Iterator<DataSet> dataSets) {
    return of(dataSets::hasNext, () -> batch(dataSets.next().toMultiDataSet()));
  }

  /** Of data sets of several inputs and outputs, one after the other. */
  static Batches ofMultiDataSets(Iterator<MultiDataSet> dataSets) {
    return of(dataSets::hasNext, () -> batch(dataSets.next()));
  }

  private static Batches of(BooleanSupplier hasNext, Supplier<Batch> next) {
    return new Batches() {
      @Override
      public boolean hasNext() {
        return hasNext.getAsBoolean();
      }

      @Override
      public Batch next() {
        return next.get();
      }
    };
  }

  private static Batch batch(MultiDataSet batch) {
    return new Batch() {
      @Override
      public GraphBatch graph(BatchGraphs graphs) {
        return graphs.of(batch);
      }

      @Override
      public void addTo(Contents contents) {
        contents.add(batch);
      }
    };
  }

  private static Batch batch(Map<String, INDArray> feeds) {
    return new Batch() {
      @Override
      public GraphBatch graph(BatchGraphs graphs) {
        return graphs.of(feeds);
      }

      @Override
      public void addTo(Contents contents) {
        contents.add(feeds);
      }
    };
  }
}
