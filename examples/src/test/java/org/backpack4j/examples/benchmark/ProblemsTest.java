package org.backpack4j.examples.benchmark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ProblemsTest {

  /** Losses that PyTorch computes for the same problems. */
  @ParameterizedTest
  @CsvSource({
    "mlp:128, 2.52156, 109386",
    "resnet_tutorial:32, 5.23783, 15748",
    "resnet18_7x7:4, 2.12071, 11179077",
    "resnet18_32x32:8, 8.56331, 11181642"
  })
  void lossAndSizeAreThoseOfTheSameNetworkInPyTorch(String name, double loss, long size) {
    Problem problem = Problems.of(name);
    double computed =
        problem.graph().output(problem.feeds(), Problem.LOSS).get(Problem.LOSS).getDouble(0);
    assertThat(computed).isCloseTo(loss, within(2e-5));
    assertThat(size(problem)).isEqualTo(size);
  }

  private static long size(Problem problem) {
    return problem.parameters().stream()
        .mapToLong(parameter -> problem.graph().getVariable(parameter).getArr().length())
        .sum();
  }

  @Test
  void parametersAreNamedAndOrderedAsInPyTorch() {
    assertThat(Problems.of("3c3d:1").parameters())
        .startsWith("0.weight", "0.bias", "4.weight")
        .endsWith("17.weight", "17.bias");
    assertThat(Problems.of("resnet_tutorial:1").parameters())
        .contains("2.branch.1.0.weight", "4.bias");
    assertThat(Problems.of("resnet18_7x7:1").parameters())
        .containsSubsequence(
            "layer2.0.bn2.bias", "layer2.0.downsample.0.weight", "layer2.0.downsample.1.bias");
  }

  @Test
  void numbersAreThoseOfTheFormula() {
    assertThat(HashedUniform.of(1, 3)).containsExactly(0.22536044f, 0.57750094f, 0.89847386f);
  }

  @Test
  void anUnknownProblemIsNamed() {
    assertThatThrownBy(() -> Problems.of("vgg:1")).hasMessageContaining("vgg:1");
  }
}
