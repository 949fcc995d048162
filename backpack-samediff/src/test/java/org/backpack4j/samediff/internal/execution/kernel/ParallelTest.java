package org.backpack4j.samediff.internal.execution.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Work that is handed out is done once, and nobody is still at it at the end. */
class ParallelTest {

  @ParameterizedTest
  @CsvSource({"1, 10, 3", "4, 1, 1", "4, 1000, 7", "4, 1000, 1000", "3, 0, 5"})
  void eachIndexOnce(int threads, int count, long grain) {
    for (int round = 0; round < 200; round++) {
      AtomicIntegerArray done = new AtomicIntegerArray(Math.max(1, count));
      AtomicInteger running = new AtomicInteger();
      Set<Integer> busy = ConcurrentHashMap.newKeySet();
      Parallel.run(
          threads,
          count,
          grain,
          (worker, from, to) -> {
            running.incrementAndGet();
            assertThat(worker).isBetween(0, threads - 1);
            assertThat(busy.add(worker)).as("worker %d is one thread", worker).isTrue();
            for (long i = from; i < to; i++) {
              done.incrementAndGet((int) i);
            }
            busy.remove(worker);
            running.decrementAndGet();
          });
      assertThat(running).hasValue(0);
      for (int i = 0; i < count; i++) {
        assertThat(done.get(i)).as("index %d", i).isEqualTo(1);
      }
    }
  }

  @Test
  void severalThreadsWork() {
    Set<Thread> threads = ConcurrentHashMap.newKeySet();
    Parallel.run(
        2,
        2,
        1,
        (worker, from, to) -> {
          threads.add(Thread.currentThread());
          long until = System.nanoTime() + 10_000_000_000L;
          while (threads.size() < 2 && System.nanoTime() < until) {
            Thread.onSpinWait();
          }
        });
    assertThat(threads).hasSize(2).contains(Thread.currentThread());
  }

  @Test
  void whatFailsIsThrown() {
    assertThatThrownBy(
            () ->
                Parallel.run(
                    3,
                    100,
                    1,
                    (worker, from, to) -> {
                      if (from == 50) {
                        throw new IllegalArgumentException("fifty");
                      }
                    }))
        .hasRootCauseMessage("fifty");
  }
}
