package org.backpack4j.samediff.internal.dataset;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.WeakHashMap;
import java.util.function.Predicate;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.QuantityResults;
import org.backpack4j.samediff.dataset.BatchException;
import org.backpack4j.samediff.dataset.BatchGraphs.GraphBatch;
import org.backpack4j.samediff.dataset.BatchWeights;
import org.backpack4j.samediff.dataset.DataSetResults;
import org.backpack4j.samediff.dataset.RowSink;
import org.backpack4j.samediff.extension.Combination;
import org.backpack4j.samediff.extension.Extension;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * What has been gathered of a data set. A batch that fails leaves it as it was.
 *
 * <p>With S the sum over all samples that the loss divides by D, and Dᵦ what it divides by in a
 * batch b, a result Qᵦ of degree p is gathered as Σ Dᵦᵖ Qᵦ and answered over Dᵖ, D = Σ Dᵦ.
 */
public final class Gathering {
  /** What is known of a graph. */
  private record Known(Map<String, Quantity> quantities, BatchWeights weights) {
    /** Whether a quantity is a mean over samples, which have to be of one shape then. */
    boolean averages() {
      return quantities.values().stream().anyMatch(q -> q.is(Combination.Kind.MEAN));
    }
  }

  /** As many entries are put in double precision at once, to be added up. */
  private static final long CHUNK = 1 << 17;

  private final @Nullable RowSink sink;
  private final long expected;
  private final Predicate<String> wanted;

  /** The partition of the data set that is gathered; −1 for all of it. */
  private final int partition;

  /** The place of the first sample in the whole data set. */
  private final long offset;

  private final Map<ExtendedGraph, Known> graphs = new WeakHashMap<>();

  /** What has been gathered, by name. */
  final Map<String, Sum> sums = new LinkedHashMap<>();

  /** For each loss variable its value. */
  final Map<String, LossMean> losses = new LinkedHashMap<>();

  /** The results of a batch in double precision, by name: the same memory for each batch. */
  private final Map<String, Doubles> wide = new LinkedHashMap<>();

  final BatchLooks looks = new BatchLooks();
  long batches;
  long samples;
  double data;
  double penalty;

  /** Whether the losses, and penalties, are divided by nothing. */
  boolean sumsData;

  boolean sumsPenalties;

  /** The checksum of all batches so far. */
  long contents;

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
    batches++;
    samples += count;
  }

  /** Where the next batch stands. */
  Place place() {
    return new Place(partition, batches, samples);
  }

  /** The number of batches. */
  public long batches() {
    return batches;
  }

  /** The number of samples. */
  public long samples() {
    return samples;
  }

  /** The checksum of the batches so far. */
  public long contents() {
    return contents;
  }

  /** Notes the checksum of the batches up to the next. */
  public void contents(long checksum) {
    contents = checksum;
  }

  /**
   * Adds a batch.
   *
   * @throws BatchException if it cannot be used
   */
  public void add(GraphBatch batch) {
    ExtendedGraph graph = batch.graph();
    Known known = graphs.get(graph);
    if (known == null) {
      known = known(graph);
      graphs.put(graph, known);
    }
    long count = count(graph, batch.feeds());
    if (count == 0) {
      batches++;
      return;
    }
    BatchLooks.Looks own = looks.of(graph, batch.feeds());
    looks.check(own, known.averages(), "in the batches before");
    Map<String, INDArray> feeds = new LinkedHashMap<>(batch.feeds());
    Map<String, INDArray> drawn = graph.randomNumbers(offset + samples, count);
    drawn.forEach(feeds::putIfAbsent);
    Map<String, INDArray> results = evaluate(graph, known, feeds);
    Map<String, INDArray> exact = new LinkedHashMap<>();
    try {
      double divisor = known.weights().data(count, results);
      double ownPenalty = known.weights().penalty(count, results);
      List<String> wrong = exact(exact, known, results);
      if (!wrong.isEmpty()) {
        throw divisor == 0
            ? NotFinite.divided(wrong, place())
            : NotFinite.of(batch, wrong, place(), count);
      }
      handOn(known, results, count, divisor);
      take(known, exact, results, count, divisor, ownPenalty);
      looks.keep(own);
    } finally {
      results.values().forEach(Gathering::release);
      drawn.values().forEach(Gathering::release);
    }
  }

  private Known known(ExtendedGraph graph) {
    BatchWeights weights = graph.batchWeights();
    Map<String, Quantity> quantities = Quantity.of(graph, sink != null, wanted);
    boolean rows =
        quantities.values().stream()
            .anyMatch(q -> q.is(Combination.Kind.ROWS) && q.combination().degree() != 0);
    if (rows && !weights.sums() && (expected < 0 || !weights.counted())) {
      throw new IllegalArgumentException(
          "The loss is a mean, so that what there is of each sample depends on how many samples (or"
              + " what weights) the whole data set has, which is not known before its end: "
              + (weights.counted() ? "say how many by samples(…), or " : "")
              + "let the loss add up (LossReduce.SUM).");
    }
    return new Known(quantities, weights);
  }

  /** The sum of an array's entries in double precision, without anything left for the collector. */
  static double total(INDArray array) {
    if (array.isEmpty()) {
      return 0;
    }
    if (array.dataType() == DataType.DOUBLE) {
      return array.sumNumber().doubleValue();
    }
    INDArray flat = array.reshape(new long[] {array.length()});
    long length = flat.length();
    double total = 0;
    try (Doubles wide = Doubles.of(Math.min(length, CHUNK))) {
      for (long from = 0; from < length; from += CHUNK) {
        long to = Math.min(length, from + CHUNK);
        INDArray part = wide.array().get(NDArrayIndex.interval(0, to - from));
        part.assign(flat.get(NDArrayIndex.interval(from, to)));
        total += part.sumNumber().doubleValue();
      }
    }
    return total;
  }

  static void release(INDArray array) {
    if (!array.wasClosed() && array.closeable()) {
      array.close();
    }
  }

  // ---- what batches have to be like ----

  /** The number of samples in a batch, which may be none. */
  public static long count(ExtendedGraph graph, Map<String, INDArray> feeds) {
    for (Map.Entry<String, Integer> axis : graph.sampleAxes().entrySet()) {
      INDArray array = feeds.get(axis.getKey());
      if (array != null) {
        if (array.rank() <= axis.getValue()) {
          throw new IllegalArgumentException(
              "\""
                  + axis.getKey()
                  + "\" is fed an array of shape "
                  + Arrays.toString(array.shape())
                  + ", which has no axis "
                  + axis.getValue()
                  + " for the samples.");
        }
        return array.size(axis.getValue());
      }
    }
    throw new IllegalArgumentException(
        "No placeholder with a sample axis is fed: feed the graph's inputs.");
  }

  private Map<String, INDArray> evaluate(
      ExtendedGraph graph, Known known, Map<String, INDArray> feeds) {
    Set<String> names = new LinkedHashSet<>(known.quantities().keySet());
    names.addAll(known.weights().variables());
    names.addAll(graph.sameDiff().getLossVariables());
    return graph.output(feeds, names);
  }

  /** Puts the results in double precision, those that are summed up; answers what is not finite. */
  private List<String> exact(
      Map<String, INDArray> exact, Known known, Map<String, INDArray> results) {
    List<String> wrong = new ArrayList<>();
    results.forEach(
        (name, array) -> {
          Quantity quantity = known.quantities().get(name);
          boolean summed = quantity != null && !quantity.is(Combination.Kind.ROWS);
          INDArray wide = summed ? wide(name, array) : array;
          if (!Double.isFinite(total(wide))) {
            wrong.add(name);
          }
          if (summed) {
            exact.put(name, wide);
            Sum sum = sums.get(name);
            if (sum != null && !sum.fits(wide)) {
              throw otherResult(name, wide, "in the batches before", sum);
            }
          }
        });
    return wrong;
  }

  /** A result in double precision, in memory that the next batch's will take. */
  private INDArray wide(String name, INDArray array) {
    return array.dataType() == DataType.DOUBLE ? array : copy(name, array);
  }

  /** A copy in double precision, in memory that the next one of that name will take. */
  private INDArray copy(String name, INDArray array) {
    Doubles place = wide.get(name);
    if (place == null || !Arrays.equals(place.array().shape(), array.shape())) {
      if (place != null) {
        place.close();
      }
      place = Doubles.of(array.shape());
      wide.put(name, place);
    }
    return place.array().assign(array);
  }

  // ---- what is done with results ----

  private void handOn(Known known, Map<String, INDArray> results, long count, double own) {
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
          taker.rows(quantity.name(), samples, samplesFirst(array, quantity.sampleAxis(), count));
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

  private void take(
      Known known,
      Map<String, INDArray> exact,
      Map<String, INDArray> results,
      long count,
      double own,
      double ownPenalty) {
    for (String loss : lossesOf(known, results)) {
      double weight = known.weights().loss(loss, count, results);
      double value = total(Objects.requireNonNull(results.get(loss)));
      losses.computeIfAbsent(loss, l -> new LossMean(known.weights().sums(l))).add(value, weight);
    }
    Map<String, INDArray> gradients = gradients(known, exact);
    known.quantities().values().stream()
        .filter(q -> !q.is(Combination.Kind.ROWS))
        .forEach(
            q -> {
              INDArray result = Objects.requireNonNull(exact.get(q.name()));
              DataType type = Objects.requireNonNull(results.get(q.name())).dataType();
              Sum sum =
                  sums.computeIfAbsent(
                      q.name(), n -> new Sum(q.combination(), type, result.shape()));
              switch (q.combination().kind()) {
                case MEAN -> sum.add(result, count);
                case VARIANCE ->
                    sum.merge(
                        result.muli(own * own * count),
                        Objects.requireNonNull(gradients.get(q.parameter())).muli(own / count),
                        count,
                        samples);
                default -> {
                  if (!q.isPenalty()) {
                    sum.add(result, Math.pow(own, q.combination().degree()));
                  } else if (samples == 0) {
                    sum.add(result, ownPenalty); // the same in each batch
                  }
                }
              }
            });
    batches++;
    samples += count;
    sumsData = known.weights().sums();
    sumsPenalties = known.weights().sumsPenalties();
    data = sumsData ? 1 : data + own;
    penalty = sumsPenalties ? 1 : penalty + ownPenalty;
  }

  private static List<String> lossesOf(Known known, Map<String, INDArray> results) {
    return results.keySet().stream()
        .filter(n -> !known.quantities().containsKey(n))
        .filter(n -> !known.weights().variables().contains(n))
        .toList();
  }

  /** The sums of the samples' gradients, without penalties, by parameter. */
  private Map<String, INDArray> gradients(Known known, Map<String, INDArray> exact) {
    Map<String, INDArray> gradients = new LinkedHashMap<>();
    boolean kept =
        known.quantities().values().stream().anyMatch(q -> q.is(Combination.Kind.VARIANCE));
    for (Quantity quantity : known.quantities().values()) {
      if (quantity.field().equals(Quantity.GRADIENT)) {
        INDArray gradient = Objects.requireNonNull(exact.get(quantity.name()));
        INDArray part = exact.get(quantity.parameter() + "." + Quantity.PENALTY);
        if (part != null) {
          gradient.subi(part);
        }
        if (kept) {
          gradients.put(quantity.parameter(), copy(quantity.name() + " kept", gradient));
        }
      }
    }
    return gradients;
  }

  // ---- parts of a data set ----

  /**
   * Adds what was gathered of other samples, which is used up.
   *
   * @throws IllegalArgumentException if they are no parts of one data set; then nothing is added
   */
  public void merge(Gathering other) {
    if (samples == 0 || other.samples == 0) {
      takeOver(other);
      return;
    }
    checkLike(other);
    sums.forEach(
        (name, sum) -> {
          if (!isPenalty(name)) { // which is the same in each batch
            sum.merge(Objects.requireNonNull(other.sums.get(name)), other.samples, samples);
          }
        });
    losses.forEach((loss, mean) -> mean.merge(Objects.requireNonNull(other.losses.get(loss))));
    looks.keep(other.looks.all());
    batches += other.batches;
    samples += other.samples;
    data = sumsData ? 1 : data + other.data;
    penalty = sumsPenalties ? 1 : penalty + other.penalty;
    other.close();
  }

  /** Adds samples to none, or none to samples. */
  private void takeOver(Gathering other) {
    batches += other.batches;
    if (other.samples == 0) {
      return;
    }
    sums.putAll(other.sums);
    other.sums.clear();
    losses.putAll(other.losses);
    looks.keep(other.looks.all());
    samples = other.samples;
    data = other.data;
    penalty = other.penalty;
    sumsData = other.sumsData;
    sumsPenalties = other.sumsPenalties;
  }

  private void checkLike(Gathering other) {
    if (!sums.keySet().equals(other.sums.keySet())
        || !losses.keySet().equals(other.losses.keySet())
        || sumsData != other.sumsData
        || sumsPenalties != other.sumsPenalties) {
      throw new IllegalArgumentException(
          "Two partitions have other quantities, or losses that divide by other things: "
              + sums.keySet()
              + " and "
              + other.sums.keySet()
              + ".");
    }
    boolean means =
        sums.values().stream().anyMatch(s -> s.combination().kind() == Combination.Kind.MEAN);
    looks.check(other.looks.all(), means, "in another partition");
    sums.forEach(
        (name, sum) -> {
          INDArray added = Objects.requireNonNull(other.sums.get(name)).sum();
          if (!sum.fits(added)) {
            throw otherResult(name, added, "in another partition", sum);
          }
        });
  }

  private static boolean isPenalty(String name) {
    return name.endsWith("." + Quantity.PENALTY);
  }

  private static IllegalArgumentException otherResult(
      String name, INDArray result, String where, Sum sum) {
    return new IllegalArgumentException(
        "\"%s\" is of the shape %s, %s %s: give samples one shape."
            .formatted(
                name, Arrays.toString(result.shape()), where, Arrays.toString(sum.sum().shape())));
  }

  // ---- what has been gathered ----

  /** The sums' bytes. */
  public long bytes() {
    return sums.values().stream().mapToLong(Sum::bytes).sum();
  }

  /**
   * The quantities of all samples so far.
   *
   * @throws IllegalArgumentException if there is no sample
   */
  public DataSetResults results(List<Extension> extensions) {
    if (samples == 0) {
      throw new IllegalArgumentException(
          batches == 0
              ? "The data set is empty: the iterator has no batch. One that has been read to its"
                  + " end has to be reset."
              : "The data set has no sample: its " + batches + " batches are empty.");
    }
    Map<String, INDArray> outputs = new LinkedHashMap<>();
    sums.forEach(
        (name, sum) -> outputs.put(name, sum.result(samples, isPenalty(name) ? penalty : data)));
    outputs.forEach(
        (name, array) -> {
          INDArray gradient =
              isPenalty(name)
                  ? outputs.get(
                      name.substring(0, name.length() - Quantity.PENALTY.length())
                          + Quantity.GRADIENT)
                  : null;
          if (gradient != null) {
            gradient.addi(array);
          }
        });
    double loss = losses.values().stream().mapToDouble(LossMean::value).sum();
    return new DataSetResults(
        new QuantityResults(outputs, extensions),
        samples,
        batches,
        data,
        Double.isNaN(loss) ? OptionalDouble.empty() : OptionalDouble.of(loss));
  }

  /** Lets go of the memory. */
  public void close() {
    sums.values().forEach(Sum::close);
    sums.clear();
    wide.values().forEach(Doubles::close);
    wide.clear();
  }
}
