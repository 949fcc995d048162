package org.backpack4j.samediff.dataset;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CancellationException;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.MemoryUse;
import org.backpack4j.samediff.Progress;
import org.backpack4j.samediff.dataset.BatchGraphs.GraphBatch;
import org.backpack4j.samediff.internal.dataset.Batches;
import org.backpack4j.samediff.internal.dataset.Checkpoint;
import org.backpack4j.samediff.internal.dataset.Contents;
import org.backpack4j.samediff.internal.dataset.Gathering;
import org.backpack4j.samediff.internal.dataset.Intake;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;

/**
 * The quantities of a whole data set, gathered batch by batch:
 *
 * <pre>{@code
 * ExtendedGraph graph = BackPack.extend(sd, new DiagGGNExact(), new KFAC());
 * INDArray diagonal = DataSetQuantities.of(graph).over(iterator).quantities().get("w", DiagGGNExact.class);
 * }</pre>
 *
 * <p>They are those of one batch of all samples, to rounding, whatever the sizes of the batches:
 * where the loss is a mean over samples, or a mean by weights, they are in the scale of the whole
 * data set's. How a loss scales is found out from the graph; what cannot be had from batches is
 * refused: samples that influence each other, a loss that is no sum or mean over samples. Sums are
 * made in double precision. Quantities with a part for each sample go to a {@link #rows sink}.
 *
 * <p>Random numbers of sampled quantities depend on each sample's place in the data set alone.
 *
 * <p>Not for several threads at once.
 */
public final class DataSetQuantities {
  private final BatchGraphs graphs;
  private final Map<String, INDArray> fixed = new TreeMap<>();
  private Progress progress = Progress.NONE;
  private @Nullable RowSink sink;
  private @Nullable Path checkpoint;
  private long every = 1;
  private long samples = -1;
  private final Intake intake;
  private Gathering gathering = new Gathering(null, -1);

  private DataSetQuantities(BatchGraphs graphs) {
    this.graphs = graphs;
    this.intake = new Intake(graphs, fixed);
  }

  /**
   * Of one graph.
   *
   * @param graph an extended graph
   * @return what gathers its quantities
   */
  public static DataSetQuantities of(ExtendedGraph graph) {
    return of(BatchGraphs.same(graph));
  }

  /**
   * Of graphs that depend on the batch.
   *
   * @param graphs the graph for each batch
   * @return what gathers their quantities
   */
  public static DataSetQuantities of(BatchGraphs graphs) {
    return new DataSetQuantities(graphs);
  }

  // ---- choices ----

  /**
   * Feeds the same array with each batch, such as the vectors of a product.
   *
   * @param placeholder a placeholder without a sample axis
   * @param array what it is fed
   * @return this
   */
  public DataSetQuantities feed(String placeholder, INDArray array) {
    fixed.put(placeholder, array);
    return this;
  }

  /**
   * Says how many samples the data set has: needed for rows of a mean loss, and for telling how far
   * the work is.
   *
   * @param count the number of samples; another number at the end is an error
   * @return this
   * @throws IllegalArgumentException if it is less than 1
   */
  public DataSetQuantities samples(long count) {
    if (count < 1) {
      throw new IllegalArgumentException("A data set of " + count + " samples has no quantities.");
    }
    samples = count;
    return this;
  }

  /**
   * Says where quantities go that have a part for each sample, such as {@code BatchGrad}'s.
   *
   * @param taker takes the rows, in the order of the samples
   * @return this
   */
  public DataSetQuantities rows(RowSink taker) {
    sink = taker;
    return this;
  }

  /**
   * Follows the work. An interrupted thread, and a listener that throws something, stop it between
   * two batches; what has been gathered can be had by {@link #gathered}, or from a checkpoint.
   *
   * @param listener is told of each batch: how many samples are done, of how many, which is 0 if
   *     {@link #samples} has not told
   * @return this
   */
  public DataSetQuantities progress(Progress listener) {
    progress = listener;
    return this;
  }

  /**
   * Keeps a file from which the work goes on where it stopped, with the same bits. If there is one,
   * {@link #over} begins behind the batches that it has, which are read and compared, not
   * evaluated. It is deleted at the end. A checkpoint of another graph, of other parameters or of
   * other data is refused.
   *
   * @param file the file; written beside, as {@code <file>.tmp}, and put there in one step
   * @param batches how many batches lie between two checkpoints; one more is written where the work
   *     stops by an error or is cancelled
   * @return this
   * @throws IllegalArgumentException if {@code batches} is less than 1
   */
  public DataSetQuantities checkpoint(Path file, long batches) {
    if (batches < 1) {
      throw new IllegalArgumentException(
          "A checkpoint after every " + batches + " batches is none: at least 1.");
    }
    checkpoint = file;
    every = batches;
    return this;
  }

  // ---- gathering ----

  /**
   * Gathers over an iterator, which is reset before if it can be.
   *
   * @param iterator the data set
   * @return its quantities
   * @throws BatchException if a batch cannot be used
   * @throws IllegalArgumentException if the data set is empty, or the checkpoint is of something
   *     else
   * @throws org.backpack4j.samediff.UnsupportedGraphException if the quantities cannot be had from
   *     batches
   * @throws CancellationException if the thread is interrupted
   */
  public DataSetResults over(DataSetIterator iterator) {
    return run(Batches.of(iterator));
  }

  /**
   * Gathers over an iterator, which is reset before if it can be.
   *
   * @param iterator the data set
   * @return its quantities
   * @throws BatchException if a batch cannot be used
   * @throws IllegalArgumentException if the data set is empty, or the checkpoint is of something
   *     else
   * @throws org.backpack4j.samediff.UnsupportedGraphException if the quantities cannot be had from
   *     batches
   * @throws CancellationException if the thread is interrupted
   */
  public DataSetResults over(MultiDataSetIterator iterator) {
    return run(Batches.of(iterator));
  }

  /**
   * Gathers over feeds.
   *
   * @param feeds for each batch an array for each placeholder that is needed
   * @return the data set's quantities
   * @throws BatchException if a batch cannot be used
   * @throws IllegalArgumentException if the data set is empty, or the checkpoint is of something
   *     else
   * @throws org.backpack4j.samediff.UnsupportedGraphException if the quantities cannot be had from
   *     batches
   * @throws CancellationException if the thread is interrupted
   */
  public DataSetResults over(Iterator<Map<String, INDArray>> feeds) {
    return run(Batches.of(feeds));
  }

  /**
   * What the last {@link #over} has gathered so far, also if it has failed or was cancelled.
   *
   * @return the quantities of the batches that were read
   * @throws IllegalArgumentException if there is no sample
   */
  public DataSetResults gathered() {
    return gathering.results(intake.extensions());
  }

  // ---- estimates ----

  /**
   * What gathering will take, measured at the first batches of an iterator, which is reset before
   * if it can be. Nothing that was gathered before changes, and no row is handed on.
   *
   * @param iterator the data set
   * @param batches how many batches are evaluated, at least 1; of two or more the first, for which
   *     plans are made, does not count for the time
   * @param size the number of samples in the whole data set
   * @return memory, passes and time
   * @throws IllegalArgumentException if the data set is empty
   */
  public DataSetPlan plan(DataSetIterator iterator, int batches, long size) {
    return plan(Batches.of(iterator), batches, size);
  }

  /**
   * The same of an iterator of several inputs and outputs.
   *
   * @param iterator the data set
   * @param batches how many batches are evaluated, at least 1
   * @param size the number of samples in the whole data set
   * @return memory, passes and time
   * @throws IllegalArgumentException if the data set is empty
   */
  public DataSetPlan plan(MultiDataSetIterator iterator, int batches, long size) {
    return plan(Batches.of(iterator), batches, size);
  }

  /**
   * The same of feeds.
   *
   * @param feeds for each batch an array for each placeholder that is needed
   * @param batches how many batches are evaluated, at least 1
   * @param size the number of samples in the whole data set
   * @return memory, passes and time
   * @throws IllegalArgumentException if the data set is empty
   */
  public DataSetPlan plan(Iterator<Map<String, INDArray>> feeds, int batches, long size) {
    return plan(Batches.of(feeds), batches, size);
  }

  private DataSetPlan plan(Batches batches, int count, long size) {
    Gathering trial = new Gathering(sink == null ? null : (name, first, rows) -> {}, size);
    MemoryUse largest = new MemoryUse(0, 0);
    long nanos = 0;
    long measured = 0;
    try {
      for (int k = 0; k < count && batches.hasNext(); k++) {
        long begun = System.nanoTime();
        long before = trial.samples();
        GraphBatch fed = batches.next().graph(graphs);
        Map<String, INDArray> feeds = new LinkedHashMap<>(fed.feeds());
        feeds.putAll(fixed);
        trial.add(new GraphBatch(fed.graph(), feeds));
        long taken = System.nanoTime() - begun;
        nanos = k == 1 ? taken : nanos + taken;
        measured = trial.samples() - before + (k == 1 ? 0 : measured);
        MemoryUse use = fed.graph().memory(feeds, fed.graph().outputNames());
        largest = use.total() > largest.total() ? use : largest;
      }
      if (measured == 0) {
        throw new IllegalArgumentException("The data set has no sample to measure.");
      }
      return new DataSetPlan(1, largest, trial.bytes(), measured, nanos / 1e9 / measured * size);
    } finally {
      trial.close();
    }
  }

  private DataSetResults run(Batches batches) {
    gathering.close();
    gathering = new Gathering(sink, samples);
    Contents contents = new Contents();
    Map<String, String> identity = checkpoint == null ? Map.of() : identity();
    boolean begun = false;
    try {
      goOn(batches, contents, identity);
      begun = true;
      while (Intake.hasNext(batches, gathering)) {
        step();
        Batches.Batch batch = Intake.next(batches, gathering);
        intake.add(batch, gathering);
        if (checkpoint != null) {
          batch.addTo(contents);
          gathering.contents(contents.value());
          if (gathering.batches() % every == 0) {
            write(identity);
          }
        }
      }
      step();
      return finish();
    } catch (RuntimeException | Error e) {
      if (begun && checkpoint != null) {
        keep(identity, e);
      }
      throw e;
    }
  }

  private void step() {
    if (Thread.currentThread().isInterrupted()) {
      throw new CancellationException(
          "Interrupted before batch "
              + gathering.batches()
              + " of the data set, behind "
              + gathering.samples()
              + " samples; gathered() has what has been gathered.");
    }
    progress.report(
        "gather batch " + gathering.batches(),
        whole(gathering.samples()),
        samples < 0 ? 0 : whole(samples));
  }

  private static int whole(long count) {
    return (int) Math.min(count, Integer.MAX_VALUE);
  }

  private Map<String, String> identity() {
    Map<String, String> identity = new LinkedHashMap<>(graphs.identity());
    identity.put("feeds", new Contents().add(fixed).text());
    identity.put("choices", samples + " samples, " + (sink == null ? "without rows" : "with rows"));
    return identity;
  }

  private DataSetResults finish() {
    if (samples >= 0 && gathering.samples() != samples) {
      throw new IllegalArgumentException(
          "The data set has "
              + gathering.samples()
              + " samples, not the "
              + samples
              + " that samples(…) has told.");
    }
    DataSetResults results = gathered();
    Path file = checkpoint;
    try {
      if (sink != null) {
        sink.flush(gathering.samples());
      }
      if (file != null) {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e.getMessage(), e);
    }
    return results;
  }

  // ---- checkpoints ----

  /** Begins where a checkpoint was written, if there is one. */
  private void goOn(Batches batches, Contents contents, Map<String, String> identity) {
    Path file = checkpoint;
    Gathering read = new Gathering(sink, samples);
    if (file != null && Files.exists(file)) {
      Checkpoint.read(file, identity, read);
    }
    try {
      if (sink != null) {
        sink.resume(read.samples());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(
          "The rows of " + read.samples() + " samples cannot be gone on with: " + e.getMessage(),
          e);
    }
    for (long k = 0; k < read.batches(); k++) {
      Progress.check("read batch " + k + " of a data set, which a checkpoint has");
      if (!Intake.hasNext(batches, gathering)) {
        throw new IllegalArgumentException(
            "The checkpoint "
                + file
                + " has "
                + read.batches()
                + " batches, and the data set only "
                + k
                + ": it is another one.");
      }
      Intake.next(batches, gathering).addTo(contents);
    }
    if (contents.value() != read.contents() && read.batches() > 0) {
      throw new IllegalArgumentException(
          "The first "
              + read.batches()
              + " batches are not those that the checkpoint "
              + file
              + " has: the iterator shuffles or augments, or the data set is another one. Give the"
              + " iterator a fixed order, or delete the checkpoint.");
    }
    gathering = read;
  }

  private void write(Map<String, String> identity) {
    Path file = checkpoint;
    if (file == null) {
      return;
    }
    try {
      if (sink != null) {
        sink.flush(gathering.samples());
      }
    } catch (IOException e) {
      throw new UncheckedIOException("The rows cannot be kept: " + e.getMessage(), e);
    }
    Checkpoint.write(file, identity, gathering);
  }

  private void keep(Map<String, String> identity, Throwable stopped) {
    if (gathering.batches() > 0) {
      try {
        write(identity);
      } catch (UncheckedIOException e) {
        stopped.addSuppressed(e);
      }
    }
  }
}
