package org.backpack4j.samediff.internal.dataset;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.WeakHashMap;
import java.util.function.Predicate;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.dataset.BatchException;
import org.backpack4j.samediff.dataset.BatchGraphs.GraphBatch;
import org.backpack4j.samediff.dataset.DataSetResults;
import org.backpack4j.samediff.dataset.RowSink;
import org.backpack4j.samediff.extension.Combination;
import org.backpack4j.samediff.extension.Extension;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Gathers the quantities of a data set, batch by batch. A batch that fails leaves what has been
 * gathered as it was.
 */
public final class Gathering {
  private final @Nullable RowSink sink;
  private final long expected;
  private final Predicate<String> wanted;

  /** The partition of the data set that is gathered; −1 for all of it. */
  private final int partition;

  /** The place of the first sample in the whole data set. */
  private final long offset;

  private final Map<ExtendedGraph, KnownGraph> graphs = new WeakHashMap<>();
  private final WideResults wide = new WideResults();
  final Totals totals = new Totals();

  /**
   * Nothing so far.
   *
   * @param sink takes rows; null if nobody does
   * @param expected the number of samples in the data set; −1 if it is not known
   */
  public Gathering(@Nullable RowSink sink, long expected) {
    this(sink, expected, name -> true);
  }

  /**
   * Nothing so far, of some of the quantities.
   *
   * @param wanted says of the name of an output whether it is gathered
   */
  public Gathering(@Nullable RowSink sink, long expected, Predicate<String> wanted) {
    this(sink, expected, wanted, -1, 0);
  }

  private Gathering(
      @Nullable RowSink sink, long expected, Predicate<String> wanted, int partition, long offset) {
    this.sink = sink;
    this.expected = expected;
    this.wanted = wanted;
    this.partition = partition;
    this.offset = offset;
  }

  /**
   * Nothing so far, of a part of a data set.
   *
   * @param partition the part's number
   * @param offset the place of its first sample in the data set, for random numbers
   */
  public static Gathering ofPartition(int partition, long offset) {
    return new Gathering(null, -1, name -> true, partition, offset);
  }

  /** Passes a batch by. */
  public void pass(long count) {
    totals.batches++;
    totals.samples += count;
  }

  /** Where the next batch stands. */
  Place place() {
    return new Place(partition, totals.batches, totals.samples);
  }

  /** The number of batches. */
  public long batches() {
    return totals.batches;
  }

  /** The number of samples. */
  public long samples() {
    return totals.samples;
  }

  /** The checksum of the batches so far. */
  public long contents() {
    return totals.contents;
  }

  /** Notes the checksum of the batches up to the next. */
  public void contents(long checksum) {
    totals.contents = checksum;
  }

  /**
   * Adds a batch.
   *
   * @throws BatchException if it cannot be used
   */
  public void add(GraphBatch batch) {
    ExtendedGraph graph = batch.graph();
    KnownGraph known = graphs.get(graph);
    if (known == null) {
      known = KnownGraph.of(graph, sink != null, expected, wanted);
      graphs.put(graph, known);
      totals.note(graph);
    }
    long count = KnownGraph.count(graph, batch.feeds());
    if (count == 0) {
      totals.batches++;
      return;
    }
    BatchLooks.Looks own = totals.looks.of(graph, batch.feeds());
    totals.looks.check(own, known.averages(), "in the batches before");
    Map<String, INDArray> feeds = new LinkedHashMap<>(batch.feeds());
    Map<String, INDArray> drawn = graph.randomNumbers(offset + totals.samples, count);
    drawn.forEach(feeds::putIfAbsent);
    Map<String, INDArray> results = known.evaluate(graph, feeds);
    try {
      double divisor = known.weights().data(count, results);
      double ownPenalty = known.weights().penalty(count, results);
      WideResults.Exact exact = wide.of(known, results, totals);
      if (!exact.wrong().isEmpty()) {
        throw divisor == 0
            ? NotFinite.divided(exact.wrong(), place())
            : NotFinite.of(batch, exact.wrong(), place(), count);
      }
      handOn(known, results, count, divisor);
      Map<String, INDArray> gradients = wide.gradients(known, exact.arrays());
      totals.take(known, exact.arrays(), gradients, results, count, divisor, ownPenalty);
      totals.looks.keep(own);
    } finally {
      results.values().forEach(Doubles::release);
      drawn.values().forEach(Doubles::release);
    }
  }

  // ---- what is done with results ----

  private void handOn(KnownGraph known, Map<String, INDArray> results, long count, double own) {
    RowSink taker = sink;
    if (taker == null) {
      return;
    }
    double whole = known.weights().sums() ? 1 : expected;
    for (Quantity quantity : known.quantities().values()) {
      if (quantity.is(Combination.Kind.ROWS)) {
        INDArray array = Objects.requireNonNull(results.get(quantity.name()));
        double factor = Math.pow(own / whole, quantity.combination().degree());
        if (factor != 1) {
          array.muli(factor);
        }
        try {
          taker.rows(
              quantity.name(), totals.samples, samplesFirst(array, quantity.sampleAxis(), count));
        } catch (IOException e) {
          throw new UncheckedIOException(
              "The rows of \"" + quantity.name() + "\" cannot be kept: " + e.getMessage(), e);
        }
      }
    }
  }

  private static INDArray samplesFirst(INDArray array, int axis, long count) {
    if (axis <= 0) {
      return array;
    }
    int[] order = new int[array.rank()];
    order[0] = axis;
    for (int k = 1; k < order.length; k++) {
      order[k] = k <= axis ? k - 1 : k;
    }
    INDArray turned = array.permute(order);
    if (turned.size(0) != count) {
      throw new IllegalStateException("rows are not one for each sample");
    }
    return turned;
  }

  // ---- what has been gathered ----

  /**
   * Adds what was gathered of other samples, which is used up.
   *
   * @throws IllegalArgumentException if they are no parts of one data set; then nothing is added
   */
  public void merge(Gathering other) {
    totals.merge(other.totals);
    other.wide.close();
  }

  /** The sums' bytes. */
  public long bytes() {
    return totals.bytes();
  }

  /**
   * The quantities of all samples so far.
   *
   * @throws IllegalArgumentException if there is no sample
   */
  public DataSetResults results(List<Extension> extensions) {
    return totals.results(extensions);
  }

  /** Lets go of the memory. */
  public void close() {
    totals.close();
    wide.close();
  }
}
