package org.backpack4j.dl4j.influence;

import java.util.List;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** A way to score training samples. */
interface Scorer extends AutoCloseable {
  /** Takes the scores of a query. */
  interface Sink {
    /**
     * The scores of the next query.
     *
     * @param scores a score for each training sample
     */
    void take(double[] scores);
  }

  /** Begins to score queries. */
  Queries queries(Sink sink);

  /** Queries, some of them at once. */
  interface Queries {
    /**
     * Adds the samples of a batch, each a query.
     *
     * @param first the number of its first sample among all queries
     */
    void add(MultiDataSet batch, int first);

    /** Scores those that are left. */
    void finish();
  }

  /** Each training sample's score for itself. */
  double[] self();

  /** What a score of a query says. */
  String meaning();

  /** What a score of a sample for itself says. */
  String meaningOfSelf();

  /** What is to be known of all scores. */
  List<String> notes();

  /** Frees what graphs keep; they are made again when they are needed. */
  @Override
  void close();
}
