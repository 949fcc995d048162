package org.backpack4j.samediff.internal.dataset;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import org.backpack4j.samediff.dataset.BatchException;
import org.backpack4j.samediff.dataset.BatchGraphs;
import org.backpack4j.samediff.dataset.BatchGraphs.GraphBatch;
import org.backpack4j.samediff.extension.Extension;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Reads batches into what gathers them; what fails names the batch. */
public final class Intake {
  private final BatchGraphs graphs;
  private final Map<String, INDArray> fixed;
  private List<Extension> extensions = List.of();

  /**
   * Reads nothing yet.
   *
   * @param graphs the graph for each batch
   * @param fixed what is fed with every batch
   */
  public Intake(BatchGraphs graphs, Map<String, INDArray> fixed) {
    this.graphs = graphs;
    this.fixed = fixed;
  }

  /** The extensions of the graph of the last batch. */
  public List<Extension> extensions() {
    return extensions;
  }

  /**
   * Whether there is another batch.
   *
   * @throws BatchException if that cannot be told
   */
  public static boolean hasNext(Batches batches, Gathering gathering) {
    try {
      return batches.hasNext();
    } catch (CancellationException e) {
      throw e;
    } catch (RuntimeException e) {
      throw unreadable(gathering, e);
    }
  }

  /**
   * The next batch.
   *
   * @throws BatchException if it cannot be read
   */
  public static Batches.Batch next(Batches batches, Gathering gathering) {
    try {
      return batches.next();
    } catch (CancellationException e) {
      throw e;
    } catch (RuntimeException e) {
      throw unreadable(gathering, e);
    }
  }

  private static BatchException unreadable(Gathering gathering, RuntimeException e) {
    return gathering.place().exception(" cannot be read: " + e, -1, e);
  }

  /**
   * Adds a batch.
   *
   * @throws BatchException if it cannot be used
   */
  public void add(Batches.Batch batch, Gathering gathering) {
    naming(gathering, () -> gathering.add(fed(batch)));
  }

  /**
   * The number of samples in a batch, which is not evaluated.
   *
   * @param gathering what tells where the batch stands
   * @throws BatchException if it cannot be used
   */
  public long count(Batches.Batch batch, Gathering gathering) {
    long[] count = new long[1];
    naming(
        gathering,
        () -> {
          GraphBatch fed = fed(batch);
          count[0] = KnownGraph.count(fed.graph(), fed.feeds());
        });
    return count[0];
  }

  private GraphBatch fed(Batches.Batch batch) {
    GraphBatch fed = batch.graph(graphs);
    extensions = fed.graph().extensions();
    Map<String, INDArray> feeds = new LinkedHashMap<>(fed.feeds());
    feeds.putAll(fixed);
    return new GraphBatch(fed.graph(), feeds);
  }

  private static void naming(Gathering gathering, Runnable work) {
    Place place = gathering.place();
    try {
      work.run();
    } catch (IllegalArgumentException e) {
      if (e.getClass() != IllegalArgumentException.class) {
        throw e; // of the graph, not of the batch
      }
      throw place.exception(": " + e.getMessage(), -1, e);
    }
  }
}
