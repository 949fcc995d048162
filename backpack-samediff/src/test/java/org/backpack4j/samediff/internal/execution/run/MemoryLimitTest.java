package org.backpack4j.samediff.internal.execution.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.NoRoomException;
import org.backpack4j.samediff.internal.execution.ExecutionOptions;
import org.backpack4j.samediff.internal.execution.PlannedGraph;
import org.backpack4j.samediff.internal.execution.plan.Plan;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** What takes more memory than there is is refused before anything is allocated. */
class MemoryLimitTest {
  /** x [N, 4] → a product with everybody else's, [N, N] → its sum over the others, [N]. */
  private static SameDiff graph() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 4);
    SDVariable pairs = sd.mmul("pairs", x, x, false, true, false);
    sd.math().tanh(pairs).sum("total", 1);
    return sd;
  }

  @Test
  void refusesByNameAndGoesOn() {
    MemoryLimit room = new MemoryLimit(1 << 20, "in this test");
    try (PlannedGraph planned = new PlannedGraph(graph(), ExecutionOptions.defaults(), room)) {
      Map<String, INDArray> many = Map.of("x", Nd4j.ones(DataType.DOUBLE, 1000, 4));
      Map<String, INDArray> few = Map.of("x", Nd4j.ones(DataType.DOUBLE, 3, 4));
      INDArray before = planned.output(few, List.of("total")).get("total");
      long allocated = Memory.allocated();
      assertThatThrownBy(() -> planned.output(many, List.of("total")))
          .isInstanceOf(NoRoomException.class)
          .hasMessageContaining("\"total\"")
          .hasMessageContaining("7.7 MiB are needed to work in")
          .hasMessageContaining("room for 1.0 MiB in this test")
          .hasMessageContaining("\"pairs\", DOUBLE[1000, 1000]: 7.6 MiB")
          .hasMessageContaining("memoryBudget(");
      INDArray into = Nd4j.zeros(DataType.DOUBLE, 1000);
      assertThatThrownBy(() -> planned.output(many, Map.of("total", into)))
          .isInstanceOf(NoRoomException.class);
      assertThat(Memory.allocated()).isLessThanOrEqualTo(allocated); // others may give theirs back
      assertThat(planned.output(few, List.of("total")).get("total")).isEqualTo(before);
    }
  }

  /** What lies in the address space but not in the machine is asked for, and not granted. */
  @Test
  void aRefusalOfTheSystemHasTheSameFigures() {
    Plan plan =
        new Plan(List.of(), Map.of(), List.of(), List.of(), List.of(), 3L << 30, 5L << 40, 0);
    assertThatThrownBy(() -> Memory.allocate(1L << 60)).isInstanceOf(Memory.NotGranted.class);
    assertThat(new MemoryDemand(plan, List.of("a", "b", "c", "d")).notGranted())
        .hasMessageContaining("\"a\", \"b\", \"c\" and 1 more")
        .hasMessageContaining("5120.0 GiB are needed to work in and 3.0 GiB for the results")
        .hasMessageContaining("the system does not grant that much");
    assertThatThrownBy(() -> new MemoryDemand(plan, List.of("a")).checkArena())
        .isInstanceOf(NoRoomException.class)
        .hasMessageContaining("what is left of the machine's memory");
  }

  @Test
  void theProcessHasNoMoreThanTheMachine() {
    assertThat(MemoryLimit.ofProcess().bytes())
        .isPositive()
        .isLessThanOrEqualTo(MemoryLimit.machine());
  }

  @Test
  void theLeastLimitHolds() {
    assertThat(MemoryLimit.of(100, 0, 0))
        .isEqualTo(new MemoryLimit(100, "in the machine's memory"));
    assertThat(MemoryLimit.of(100, 50, 0).bytes()).isEqualTo(50);
    assertThat(MemoryLimit.of(100, 50, 0).limit()).contains("javacpp.maxphysicalbytes");
    assertThat(MemoryLimit.of(100, 50, 20))
        .isEqualTo(new MemoryLimit(20, "by -Dorg.bytedeco.javacpp.maxbytes"));
    assertThat(MemoryLimit.of(100, 50, 70).bytes()).isEqualTo(50);
    assertThat(MemoryLimit.of(100, 500, 700).bytes()).isEqualTo(100);
  }

  /** By default JavaCPP takes the heap's size for it, whatever there is to do. */
  @Test
  void theLimitForArraysHoldsIfItWasSet() {
    String property = "org.bytedeco.javacpp.maxbytes";
    String before = System.getProperty(property);
    System.setProperty(property, "1G");
    try {
      assertThat(MemoryLimit.ofProcess().bytes()).isLessThanOrEqualTo(Pointer.maxBytes());
    } finally {
      if (before == null) {
        System.clearProperty(property);
      } else {
        System.setProperty(property, before);
      }
    }
  }
}
