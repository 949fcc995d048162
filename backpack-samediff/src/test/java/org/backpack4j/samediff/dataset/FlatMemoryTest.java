package org.backpack4j.samediff.dataset;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Iterator;
import java.util.Map;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.Variance;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** ND4J's arrays wait for the collector, which does not see how large they are. */
class FlatMemoryTest {
  private static final int BATCHES = 80;
  private static final int BEFORE = 10;
  private static final long ENTRIES = 600_000;

  /** Of each batch three quantities of 4.8 MB in double precision: 1.1 GB in all. */
  @Test
  void workDoesNotGrowWithTheNumberOfBatches() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.FLOAT, -1, 1000);
    SDVariable w = sd.var("w", Nd4j.rand(DataType.FLOAT, 1000, ENTRIES / 1000));
    sd.math().square(x.mmul(w)).sum("loss", 1).markAsLoss();
    Map<String, INDArray> batch = Map.of("x", Nd4j.rand(DataType.FLOAT, 2, 1000));
    long[] grown = new long[1];
    Iterator<Map<String, INDArray>> batches =
        new Iterator<>() {
          private int read;
          private long before;

          @Override
          public boolean hasNext() {
            if (read == BEFORE) {
              System.gc();
              before = Pointer.physicalBytes();
            }
            grown[0] = Pointer.physicalBytes() - before;
            return read < BATCHES;
          }

          @Override
          public Map<String, INDArray> next() {
            read++;
            return batch;
          }
        };
    try (ExtendedGraph graph =
        BackPack.on(sd).predictions("loss").extend(new DiagGGNExact(), new Variance())) {
      DataSetQuantities.of(graph).over(batches);
    }
    long leftBehind = (BATCHES - BEFORE) * 3 * ENTRIES * Double.BYTES;
    assertThat(grown[0]).isLessThan(leftBehind / 5);
  }
}
