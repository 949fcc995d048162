package org.backpack4j.examples.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.ndarray.INDArray;

class FashionMnistTest {

  @Test
  void thirtyTwoImagesShowEveryClass() {
    LabelledImages batch = FashionMnist.load(32);
    assertThat(batch.images().shape()).containsExactly(32, 1, 28, 28);
    assertThat(batch.images().minNumber().doubleValue()).isZero();
    assertThat(batch.images().maxNumber().doubleValue()).isEqualTo(1);
    INDArray perClass = batch.labels().sum(0);
    assertThat(perClass.minNumber().doubleValue()).isGreaterThanOrEqualTo(1);
    assertThat(perClass.sumNumber().doubleValue()).isEqualTo(32);
  }

  @Test
  void theFirstIsAnAnkleBoot() {
    LabelledImages first = FashionMnist.load(FashionMnist.COUNT).sample(0);
    assertThat(first.images().shape()).containsExactly(1, 1, 28, 28);
    assertThat(first.labels().getDouble(0, 9)).isEqualTo(1);
  }

  @Test
  void thereAreNoMoreThanThereAre() {
    assertThatThrownBy(() -> FashionMnist.load(257)).hasMessageContaining("256");
  }
}
