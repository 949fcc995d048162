package org.backpack4j.samediff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import org.backpack4j.samediff.check.BruteForce;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.testing.Checked;
import org.backpack4j.samediff.testing.Graphs;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;

class ProgressTest {
  private static final int PASSES = 6;

  private final SameDiff sd = Graphs.perceptron();
  private final Map<String, INDArray> feeds = Graphs.feeds(4);
  private final List<String> told = new ArrayList<>();
  private final Progress noting = (work, done, total) -> told.add(done + "/" + total + " " + work);

  @AfterEach
  void clear() {
    Thread.interrupted();
  }

  private static Progress interruptingAt(int step) {
    return (work, done, total) -> {
      if (done == step) {
        Thread.currentThread().interrupt();
      }
    };
  }

  @Test
  void eachPassIsTold() {
    BackPack.on(sd).progress(noting).extend(new DiagGGNExact()).close();
    assertThat(told)
        .hasSize(PASSES + 1)
        .startsWith("0/6 extend: copy")
        .endsWith("6/6 extend: done");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3, 4, 5})
  void anInterruptStopsAnExtensionAndLeavesTheGraphAsItWas(int pass) {
    List<String> names = sd.variables().stream().map(SDVariable::name).toList();
    INDArray before = sd.output(feeds, "loss").get("loss");

    assertThatThrownBy(
            () -> BackPack.on(sd).progress(interruptingAt(pass)).extend(new DiagGGNExact()))
        .isInstanceOf(CancellationException.class)
        .hasMessageContaining((pass + 1) + " of 6");
    assertThat(Thread.interrupted()).as("the thread still knows").isTrue();

    assertThat(sd.variables().stream().map(SDVariable::name).toList()).isEqualTo(names);
    assertThat(sd.output(feeds, "loss").get("loss")).isEqualTo(before);
    Checked.check(sd, feeds);
  }

  @Test
  void aListenerStopsTheWorkByThrowing() {
    Progress button =
        (work, done, total) -> {
          throw new CancellationException("the person pressed it");
        };
    assertThatThrownBy(() -> BackPack.on(sd).progress(button).extend(new DiagGGNExact()))
        .hasMessage("the person pressed it");
    Checked.check(sd, feeds);
  }

  @Test
  void aComparisonIsFollowedAndStopped() {
    Map<String, INDArray> out;
    try (ExtendedGraph graph = BackPack.extend(sd, new DiagGGNExact())) {
      out = graph.output(feeds, graph.outputNames());
    }
    BruteForce bruteForce = BruteForce.on(sd, feeds);
    int parameters = bruteForce.parameters().size();

    assertThatThrownBy(() -> bruteForce.verifier().progress(interruptingAt(1)).verify(out))
        .isInstanceOf(CancellationException.class);
    Thread.interrupted();

    bruteForce.verifier().progress(noting).verify(out).orThrow();
    assertThat(told).hasSize(parameters + 1);
    assertThat(told.get(parameters)).isEqualTo(parameters + "/" + parameters + " verify");
  }

  @Test
  void bruteForceStopsBeforeTheNextEntry() {
    BruteForce bruteForce = BruteForce.on(sd, feeds);
    Thread.currentThread().interrupt();
    assertThatThrownBy(bruteForce::gradient).isInstanceOf(CancellationException.class);
    Thread.interrupted();
    assertThat(bruteForce.gradient()).isNotEmpty();
  }
}
