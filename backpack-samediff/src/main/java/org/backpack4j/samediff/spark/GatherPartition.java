package org.backpack4j.samediff.spark;

import java.util.Iterator;
import java.util.List;
import org.apache.spark.api.java.function.Function2;
import org.apache.spark.broadcast.Broadcast;
import org.backpack4j.samediff.internal.dataset.Batches;
import org.backpack4j.samediff.internal.dataset.Gathering;
import org.backpack4j.samediff.internal.dataset.GatheringForm;
import org.backpack4j.samediff.internal.dataset.Intake;
import scala.Tuple2;

/**
 * A task that gathers over a partition.
 *
 * @param <T> what a record is
 */
final class GatherPartition<T>
    implements Function2<Integer, Iterator<T>, Iterator<Tuple2<Integer, byte[]>>> {
  private static final long serialVersionUID = 1L;

  private final String id;
  private final Broadcast<byte[]> job;
  private final Reading<T> reading;
  private final long[] offsets;

  /**
   * A task.
   *
   * @param offsets the place of each partition's first sample in the data set
   */
  GatherPartition(String id, Broadcast<byte[]> job, Reading<T> reading, long[] offsets) {
    this.id = id;
    this.job = job;
    this.reading = reading;
    this.offsets = offsets;
  }

  @Override
  public Iterator<Tuple2<Integer, byte[]>> call(Integer partition, Iterator<T> records) {
    Gathering gathering = Gathering.ofPartition(partition, offsets[partition]);
    Batches batches = reading.of(records);
    try {
      if (Intake.hasNext(batches, gathering)) {
        try (ExecutorGraphs.Lease lease = ExecutorGraphs.take(id, job::value)) {
          Intake intake = new Intake(lease.graphs(), lease.fixed());
          do {
            intake.add(Intake.next(batches, gathering), gathering);
          } while (Intake.hasNext(batches, gathering));
        }
      }
      return List.of(new Tuple2<>(partition, GatheringForm.bytes(gathering))).iterator();
    } finally {
      gathering.close();
    }
  }
}
