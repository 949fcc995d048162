package org.backpack4j.dl4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CountDownLatch;
import org.backpack4j.samediff.curvature.Curvature;
import org.backpack4j.samediff.curvature.DampedCurvature;
import org.backpack4j.samediff.curvature.ParameterLayout;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class InversesTest {
  private static final double DAMPING = 0.5;

  private final List<Integer> taken = new ArrayList<>();
  private final Queue<Runnable> waiting = new ArrayDeque<>();
  private int step;

  /** At step k the matrix is k. */
  private Curvature matrix() {
    taken.add(step);
    return of(step);
  }

  private static Curvature of(double entry) {
    return Curvature.builder(ParameterLayout.of(Map.of("w", new long[] {1})))
        .dense(List.of("w"), Nd4j.createFromArray(new double[][] {{entry}}))
        .build();
  }

  private double next(Inverses inverses, double damping) {
    step++;
    return entry(inverses.ofStep(this::matrix, damping)) - damping;
  }

  private static double entry(DampedCurvature damped) {
    INDArray one = Nd4j.ones(DataType.DOUBLE, 1, 1);
    return 1 / damped.solve(one).getDouble(0);
  }

  private static void isNear(double actual, double expected) {
    assertThat(actual).isCloseTo(expected, org.assertj.core.api.Assertions.within(1e-12));
  }

  @Test
  void theMatrixIsTakenEverySoManySteps() {
    Inverses inverses = new Inverses();
    inverses.every(3);
    for (int expected : new int[] {1, 1, 1, 4, 4, 4, 7}) {
      isNear(next(inverses, DAMPING), expected);
    }
    assertThat(taken).containsExactly(1, 4, 7);
  }

  @Test
  void anotherDampingIsThatOfTheNextStep() {
    Inverses inverses = new Inverses();
    isNear(next(inverses, DAMPING), 1);
    isNear(next(inverses, 4), 1);
    isNear(next(inverses, 0.1), 1);
    assertThat(taken).containsExactly(1);
  }

  /** The first is waited for; until another is finished there is the one before, and no third. */
  @Test
  void aStepUsesTheLastThatIsFinished() {
    Inverses inverses = new Inverses();
    inverses.every(2);
    inverses.on(waiting::add);
    isNear(next(inverses, DAMPING), 1);
    isNear(next(inverses, DAMPING), 1);
    isNear(next(inverses, DAMPING), 1); // begins that of 3
    for (int k = 4; k < 9; k++) {
      isNear(next(inverses, DAMPING), 1);
    }
    assertThat(waiting).hasSize(1);
    waiting.remove().run();
    isNear(next(inverses, 2), 3); // with the damping of now; begins that of 9
    waiting.remove().run();
    isNear(next(inverses, DAMPING), 9);
    assertThat(taken).containsExactly(1, 3, 9);
  }

  @Test
  void aFailureIsToldInTheNextStep() {
    Inverses inverses = new Inverses();
    inverses.every(1);
    inverses.on(waiting::add);
    isNear(next(inverses, DAMPING), 1);
    inverses.ofStep(() -> of(-3), DAMPING);
    waiting.remove().run();
    assertThatThrownBy(() -> next(inverses, DAMPING))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("could not be factorised on its thread")
        .hasCauseInstanceOf(ArithmeticException.class);
    isNear(next(inverses, DAMPING), 1); // and another is begun
    waiting.remove().run();
    isNear(next(inverses, DAMPING), 3);
  }

  @Test
  void theThreadEndsWithWhatItFactorises() throws InterruptedException {
    Thread[] worker = new Thread[1];
    CountDownLatch begin = new CountDownLatch(1);
    Inverses inverses = new Inverses();
    inverses.every(1);
    inverses.on(
        task ->
            Inverses.threads()
                .execute(
                    () -> {
                      worker[0] = Thread.currentThread();
                      await(begin);
                      task.run();
                    }));
    next(inverses, DAMPING);
    next(inverses, DAMPING);
    begin.countDown();
    inverses.close();
    worker[0].join(60_000);
    assertThat(worker[0].isAlive()).isFalse();
    assertThat(worker[0].isDaemon()).isTrue();
    inverses.close();
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
