package org.backpack4j.dl4j.laplace;

import java.util.function.Consumer;
import org.backpack4j.dl4j.internal.trained.BatchIterator;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;

/**
 * A data set that can be gone over again.
 *
 * @param iterator its batches
 */
record Data(MultiDataSetIterator iterator) {
  Data {
    if (!iterator.resetSupported()) {
      throw new IllegalArgumentException(
          "The iterator cannot be reset, and the data are gone over more than once: hand an"
              + " iterator over whose resetSupported() is true.");
    }
  }

  static Data of(DataSetIterator iterator) {
    return new Data(BatchIterator.of(iterator));
  }

  static Data of(MultiDataSetIterator iterator) {
    return new Data(iterator);
  }

  void each(Consumer<MultiDataSet> taker) {
    iterator.reset();
    while (iterator.hasNext()) {
      taker.accept(iterator.next());
    }
  }

  /**
   * The first batch.
   *
   * @throws IllegalArgumentException if there is none
   */
  MultiDataSet first() {
    iterator.reset();
    if (!iterator.hasNext()) {
      throw new IllegalArgumentException(
          "The iterator has no batch: a Laplace approximation needs the data that the network was"
              + " trained with.");
    }
    return iterator.next();
  }
}
