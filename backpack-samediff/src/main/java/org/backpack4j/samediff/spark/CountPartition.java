package org.backpack4j.samediff.spark;

import java.util.Iterator;
import java.util.List;
import org.apache.spark.api.java.function.Function2;
import org.apache.spark.broadcast.Broadcast;
import org.backpack4j.samediff.internal.dataset.Batches;
import org.backpack4j.samediff.internal.dataset.Gathering;
import org.backpack4j.samediff.internal.dataset.Intake;

/**
 * A task that counts a partition's samples.
 *
 * @param <T> what a record is
 */
final class CountPartition<T> implements Function2<Integer, Iterator<T>, Iterator<Long>> {
  private static final long serialVersionUID = 1L;

  private final String id;
  private final Broadcast<byte[]> job;
  private final Reading<T> reading;

  CountPartition(String id, Broadcast<byte[]> job, Reading<T> reading) {
    this.id = id;
    this.job = job;
    this.reading = reading;
  }

  @Override
  public Iterator<Long> call(Integer partition, Iterator<T> records) {
    Gathering place = Gathering.ofPartition(partition, 0);
    Batches batches = reading.of(records);
    long count = 0;
    if (Intake.hasNext(batches, place)) {
      try (ExecutorGraphs.Lease lease = ExecutorGraphs.take(id, job::value)) {
        Intake intake = new Intake(lease.graphs(), lease.fixed());
        do {
          long samples = intake.count(Intake.next(batches, place), place);
          place.pass(samples);
          count += samples;
        } while (Intake.hasNext(batches, place));
      }
    }
    return List.of(count).iterator();
  }
}
