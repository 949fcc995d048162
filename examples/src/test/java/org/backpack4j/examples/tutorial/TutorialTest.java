package org.backpack4j.examples.tutorial;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.backpack4j.examples.data.FashionMnist;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.factory.Nd4j;

class TutorialTest {

  @Test
  void individualGradientsMatch() {
    assertThat(printed(() -> CustomResNet.run(FashionMnist.load(32))))
        .contains(
            "conv1.weight's grad_batch shape: [32, 5, 1, 3, 3]",
            "linear1.weight's grad_batch shape: [32, 10, 3920]",
            "shortcut.bias's grad_batch shape: [32, 5]",
            "Do the individual gradients match?",
            "shortcut.bias: true")
        .doesNotContain("false");
  }

  @Test
  void theDiagonalOfBlocksMatches() {
    assertThat(printed(() -> ResNetOfBlocks.run(FashionMnist.load(32))))
        .contains(
            "0.weight's diag_ggn_exact: [2, 1, 3, 3]",
            "2.branch.1.0.weight's diag_ggn_exact: [2, 2, 3, 3]",
            "4.bias's diag_ggn_exact: [10]",
            "Diagonal entry     1749: true",
            "Diagonal entry    15747: true")
        .doesNotContain("false");
  }

  @Test
  void closeIsRelativeWhereNumbersAreSmall() {
    assertThat(Close.close(1, 1 + 1e-5)).isTrue();
    assertThat(Close.close(1, 1 + 1e-4)).isFalse();
    assertThat(Close.close(1e-9, 2e-9)).isTrue();
    assertThat(Close.closeRelatively(1e-9, 2e-9)).isFalse();
    assertThat(Close.closeRelatively(0, 0)).isTrue();
  }

  @Test
  void arraysOfOtherShapesAreNotClose() {
    assertThat(Close.close(Nd4j.zeros(2, 3), Nd4j.zeros(3, 2))).isFalse();
    assertThat(Close.close(Nd4j.ones(2, 3), Nd4j.ones(2, 3))).isTrue();
  }

  private static String printed(Runnable program) {
    PrintStream out = System.out;
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    System.setOut(new PrintStream(bytes, true, StandardCharsets.UTF_8));
    try {
      program.run();
    } finally {
      System.setOut(out);
    }
    return bytes.toString(StandardCharsets.UTF_8);
  }
}
