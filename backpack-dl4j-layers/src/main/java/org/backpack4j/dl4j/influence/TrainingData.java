package org.backpack4j.dl4j.influence;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.NoSuchElementException;
import org.backpack4j.dl4j.internal.trained.BatchIterator;
import org.backpack4j.samediff.internal.dataset.Contents;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;

/**
 * The training data, read once for each pass. What the first pass has read is known by a checksum
 * for each batch, and every later pass has to read the same: an index means the same sample then.
 */
final class TrainingData {
  private final MultiDataSetIterator source;
  private final List<Long> checksums = new ArrayList<>();
  private final List<int[]> classes = new ArrayList<>();
  private int samples;

  private TrainingData(MultiDataSetIterator source) {
    this.source = source;
  }

  /** Thrown where a pass reads other data than the first. */
  static final class OtherDataException extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    OtherDataException(String message) {
      super(message);
    }
  }

  static TrainingData of(DataSetIterator iterator) {
    return of(BatchIterator.of(iterator));
  }

  static TrainingData of(MultiDataSetIterator iterator) {
    if (!iterator.resetSupported()) {
      throw new IllegalArgumentException(
          "The iterator of the training data cannot be reset, and influence needs several passes"
              + " over them: use one that can be, such as ListDataSetIterator.");
    }
    return new TrainingData(iterator);
  }

  /**
   * Reads all of it for the first time.
   *
   * @throws IllegalArgumentException if there is no sample
   */
  void read() {
    MultiDataSetIterator batches = source;
    batches.reset();
    while (batches.hasNext()) {
      MultiDataSet batch = batches.next();
      checksums.add(checksum(batch));
      int[] own = Labels.classes(batch);
      classes.add(own);
      samples += own.length;
    }
    if (samples == 0) {
      throw new IllegalArgumentException(
          "The training data are empty: the iterator has no sample. Give fit(…) the data that the"
              + " network was trained with.");
    }
  }

  /** The first batch. */
  MultiDataSet first() {
    MultiDataSetIterator batches = pass();
    batches.reset();
    return batches.next();
  }

  int samples() {
    return samples;
  }

  /** For each sample its class, −1 where it has none. */
  int[] classes() {
    return classes.stream().flatMapToInt(Arrays::stream).toArray();
  }

  private static long checksum(MultiDataSet batch) {
    return new Contents().add(batch).value();
  }

  /**
   * Another pass.
   *
   * @return an iterator whose {@code next} throws an {@link OtherDataException} where a batch is
   *     not what the first pass has read
   */
  MultiDataSetIterator pass() {
    return new Checked(source);
  }

  /** Compares batches with those of the first pass. */
  private final class Checked extends BatchIterator {
    private static final long serialVersionUID = 1L;

    private final transient MultiDataSetIterator inner;
    private int batch;

    Checked(MultiDataSetIterator inner) {
      this.inner = inner;
    }

    @Override
    public boolean hasNext() {
      boolean more = inner.hasNext();
      if (!more && batch < checksums.size()) {
        throw other("has ended behind batch " + (batch - 1));
      }
      return more;
    }

    @Override
    public MultiDataSet next() {
      if (!hasNext()) { // which asynchronous iterators have to be asked
        throw new NoSuchElementException("The training data have no further batch.");
      }
      MultiDataSet next = inner.next();
      if (batch >= checksums.size()) {
        throw other("has more batches");
      }
      if (checksums.get(batch) != checksum(next)) {
        throw other("differs in batch " + batch);
      }
      batch++;
      return next;
    }

    private OtherDataException other(String how) {
      return new OtherDataException(
          "The training data are not those that fit(…) has read first ("
              + checksums.size()
              + " batches): this pass "
              + how
              + ". The iterator shuffles or augments, or its data have changed, so that a sample's"
              + " index would mean another sample. Give it a fixed order, and fit again.");
    }

    @Override
    public void reset() {
      inner.reset();
      batch = 0;
    }
  }
}
