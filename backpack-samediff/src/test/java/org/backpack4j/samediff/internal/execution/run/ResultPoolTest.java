package org.backpack4j.samediff.internal.execution.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

class ResultPoolTest {
  private static final int LENGTH = 1000;
  private static final long BYTES = LENGTH * (long) Float.BYTES;

  private final ResultPool pool = new ResultPool(2);

  private INDArray next(ResultPool.Owner owner) {
    pool.expect(owner, BYTES);
    return pool.array(owner, BYTES, DataType.FLOAT, LENGTH);
  }

  @Test
  void whatIsClosedIsUsedAgain() {
    ResultPool.Owner owner = new ResultPool.Owner();
    INDArray before = next(owner);
    long address = before.data().address();
    for (int k = 0; k < 20; k++) {
      INDArray now = next(owner);
      before.close();
      before = now;
      assertThat(pool.bytesOut() + pool.bytesIdle()).isLessThanOrEqualTo(2 * BYTES);
    }
    before.close();
    List<Long> again = List.of(next(owner).data().address(), next(owner).data().address());
    assertThat(again).contains(address);
  }

  @Test
  void whatIsHeldStaysAsItIs() {
    ResultPool.Owner owner = new ResultPool.Owner();
    List<INDArray> held = new ArrayList<>();
    for (int k = 0; k < 10; k++) {
      INDArray array = next(owner);
      array.assign(k);
      if (k % 2 == 0) {
        held.add(array);
      } else {
        array.close();
      }
    }
    pool.close(owner);
    for (int k = 0; k < held.size(); k++) {
      assertThat(held.get(k).minNumber().doubleValue()).isEqualTo(2 * k);
      assertThat(held.get(k).maxNumber().doubleValue()).isEqualTo(2 * k);
    }
  }

  @Test
  void manyGraphsKeepNoMoreThanProcessorsUse() {
    List<ResultPool.Owner> owners = new ArrayList<>();
    for (int k = 0; k < 20; k++) {
      ResultPool.Owner owner = new ResultPool.Owner();
      owners.add(owner);
      List<INDArray> some = List.of(next(owner), next(owner), next(owner), next(owner));
      some.forEach(INDArray::close);
      pool.expect(owner, BYTES);
      assertThat(pool.bytesOut()).isZero();
      assertThat(pool.bytesIdle()).isLessThanOrEqualTo(2 * BYTES);
    }
    owners.forEach(pool::close);
    assertThat(pool.bytesIdle()).isZero();
  }

  /** Another thread may look for closed arrays while a block changes hands. */
  @Test
  void noBlockHasTwoHolders() throws Exception {
    int threads = 4;
    ResultPool.Owner owner = new ResultPool.Owner();
    CountDownLatch start = new CountDownLatch(threads);
    ExecutorService executor = Executors.newFixedThreadPool(threads);
    try {
      List<Future<?>> all = new ArrayList<>();
      for (int t = 0; t < threads; t++) {
        int own = t;
        all.add(
            executor.submit(
                () -> {
                  start.countDown();
                  start.await();
                  for (int k = 0; k < 500; k++) {
                    INDArray array = next(owner);
                    array.assign(own);
                    assertThat(array.minNumber().intValue()).isEqualTo(own);
                    assertThat(array.maxNumber().intValue()).isEqualTo(own);
                    array.close();
                  }
                  return null;
                }));
      }
      for (Future<?> one : all) {
        one.get();
      }
    } finally {
      executor.shutdownNow();
    }
  }
}
