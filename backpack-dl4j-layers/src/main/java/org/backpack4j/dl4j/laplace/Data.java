package org.backpack4j.dl4j.laplace;

import java.util.function.Consumer;
import org.backpack4j.samediff.curvature.LinearOperator;
import org.backpack4j.samediff.dataset.BatchGraphs;
import org.backpack4j.samediff.dataset.DataSetOperator;
import org.backpack4j.samediff.dataset.DataSetQuantities;
import org.backpack4j.samediff.dataset.DataSetResults;
import org.backpack4j.samediff.extension.Extension;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;

/** A data set that can be gone over again. */
interface Data {
  DataSetResults over(DataSetQuantities quantities);

  LinearOperator operator(BatchGraphs graphs, Extension products);

  void each(Consumer<MultiDataSet> taker);

  /**
   * The first batch.
   *
   * @throws IllegalArgumentException if there is none
   */
  default MultiDataSet first() {
    MultiDataSet[] first = new MultiDataSet[1];
    try {
      each(
          batch -> {
            first[0] = batch;
            throw new Enough();
          });
    } catch (Enough e) {
      return first[0];
    }
    throw new IllegalArgumentException(
        "The iterator has no batch: a Laplace approximation needs the data that the network was"
            + " trained with.");
  }

  /** Ends a pass. */
  final class Enough extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Enough() {
      super(null, null, false, false);
    }
  }

  private static void checkReset(boolean supported) {
    if (!supported) {
      throw new IllegalArgumentException(
          "The iterator cannot be reset, and the data are gone over more than once: hand an"
              + " iterator over whose resetSupported() is true.");
    }
  }

  static Data of(DataSetIterator iterator) {
    checkReset(iterator.resetSupported());
    return new Data() {
      @Override
      public DataSetResults over(DataSetQuantities quantities) {
        return quantities.over(iterator);
      }

      @Override
      public LinearOperator operator(BatchGraphs graphs, Extension products) {
        return DataSetOperator.of(graphs, products, iterator);
      }

      @Override
      public void each(Consumer<MultiDataSet> taker) {
        iterator.reset();
        while (iterator.hasNext()) {
          taker.accept(iterator.next().toMultiDataSet());
        }
      }
    };
  }

  static Data of(MultiDataSetIterator iterator) {
    checkReset(iterator.resetSupported());
    return new Data() {
      @Override
      public DataSetResults over(DataSetQuantities quantities) {
        return quantities.over(iterator);
      }

      @Override
      public LinearOperator operator(BatchGraphs graphs, Extension products) {
        return DataSetOperator.of(graphs, products, iterator);
      }

      @Override
      public void each(Consumer<MultiDataSet> taker) {
        iterator.reset();
        while (iterator.hasNext()) {
          taker.accept(iterator.next());
        }
      }
    };
  }
}
