package org.backpack4j.dl4j.influence;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.backpack4j.dl4j.internal.trained.BatchIterator;
import org.backpack4j.samediff.dataset.BatchException;
import org.backpack4j.samediff.dataset.BatchGraphs;
import org.backpack4j.samediff.dataset.DataSetQuantities;
import org.backpack4j.samediff.dataset.DataSetResults;
import org.backpack4j.samediff.dataset.RowSink;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Passes over training data or over test samples. */
final class Passes {
  private Passes() {}

  /** What is summed over a data set. */
  static DataSetResults sums(BatchGraphs graphs, MultiDataSetIterator data) {
    return run(DataSetQuantities.of(graphs), data);
  }

  /** Takes rows of a sample's own loss. */
  interface Rows {
    /**
     * Rows.
     *
     * @param name the output's name
     * @param first the place of the first sample
     * @param rows [n, …]; not to be kept
     */
    void take(String name, int first, INDArray rows);
  }

  /**
   * What there is of each sample.
   *
   * @param samples how many samples there are
   * @param taker takes the rows, in the scale that the data set's loss has
   * @return the sums; their normaliser D takes rows of degree p to the scale of a sample's own loss
   *     by Dᵖ
   */
  static DataSetResults rows(
      BatchGraphs graphs, MultiDataSetIterator data, long samples, Rows taker) {
    RowSink sink = (name, first, rows) -> taker.take(name, Math.toIntExact(first), rows);
    return run(DataSetQuantities.of(graphs).samples(samples).rows(sink), data);
  }

  private static DataSetResults run(DataSetQuantities quantities, MultiDataSetIterator data) {
    try {
      return quantities.over(data);
    } catch (BatchException e) {
      if (e.getCause() instanceof TrainingData.OtherDataException other) {
        throw other;
      }
      throw e;
    }
  }

  /**
   * Reads test samples; what is wrong with one is told by its number among them.
   *
   * @param first the number of the first of these
   */
  static <T> T ofTestSamples(int first, Supplier<T> read) {
    try {
      return read.get();
    } catch (BatchException e) {
      long sample = e.sample() < 0 ? -1 : first + e.sample();
      throw new BatchException(
          (sample < 0
                  ? "Of the test samples from number " + first + " on: "
                  : "Test sample " + sample + ": ")
              + e.getMessage(),
          0,
          sample,
          e);
    }
  }

  /** A row for each sample of some outputs, each flat in 'c' order, in double precision. */
  static Map<String, INDArray> collected(
      BatchGraphs graphs,
      MultiDataSetIterator data,
      int samples,
      Set<String> names,
      double degree) {
    Map<String, INDArray> all = new LinkedHashMap<>();
    DataSetResults results =
        rows(
            graphs,
            data,
            samples,
            (name, first, rows) -> {
              if (names.contains(name)) {
                long n = rows.size(0);
                INDArray flat = rows.dup('c').reshape('c', n, rows.length() / n);
                all.computeIfAbsent(name, k -> Nd4j.create(DataType.DOUBLE, samples, flat.size(1)))
                    .get(NDArrayIndex.interval(first, first + n), NDArrayIndex.all())
                    .assign(flat);
              }
            });
    double scale = Math.pow(results.normaliser(), degree);
    if (scale != 1) {
      all.values().forEach(rows -> rows.muli(scale));
    }
    return all;
  }

  /** A batch that is at hand, as a data set. */
  static MultiDataSetIterator of(MultiDataSet batch) {
    return new BatchIterator() {
      private boolean read;

      @Override
      public boolean hasNext() {
        return !read;
      }

      @Override
      public MultiDataSet next() {
        read = true;
        return batch;
      }

      @Override
      public void reset() {
        read = false;
      }
    };
  }
}
