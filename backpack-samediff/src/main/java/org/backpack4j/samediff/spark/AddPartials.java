package org.backpack4j.samediff.spark;

import java.util.Iterator;
import java.util.List;
import org.apache.spark.api.java.function.PairFlatMapFunction;
import org.backpack4j.samediff.internal.dataset.Gathering;
import org.backpack4j.samediff.internal.dataset.GatheringForm;
import scala.Tuple2;

/** A task that adds up the partial sums of neighbouring partitions, in their order. */
final class AddPartials
    implements PairFlatMapFunction<Iterator<Tuple2<Integer, byte[]>>, Integer, byte[]> {
  private static final long serialVersionUID = 1L;

  private final int narrow;

  /**
   * A task.
   *
   * @param narrow how many neighbours there are
   */
  AddPartials(int narrow) {
    this.narrow = narrow;
  }

  @Override
  public Iterator<Tuple2<Integer, byte[]>> call(Iterator<Tuple2<Integer, byte[]>> partials) {
    Gathering sum = new Gathering(null, -1);
    int number = 0;
    try {
      while (partials.hasNext()) {
        Tuple2<Integer, byte[]> partial = partials.next();
        number = partial._1() / narrow;
        sum.merge(GatheringForm.read(partial._2()));
      }
      return List.of(new Tuple2<>(number, GatheringForm.bytes(sum))).iterator();
    } finally {
      sum.close();
    }
  }
}
