package org.backpack4j.examples.spark;

import static org.assertj.core.api.Assertions.assertThat;

import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.KFLR;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.dataset.DataSet;

class LeNetTest {

  @Test
  void itsSizeAndQuantities() {
    SameDiff sd = LeNet.graph();
    try (ExtendedGraph graph = BackPack.extend(sd, new DiagGGNExact(), new KFLR())) {
      long size =
          graph.parameters().stream().mapToLong(p -> sd.getVariable(p).getArr().length()).sum();
      assertThat(size).isEqualTo(61_706);
      DataSet batch = new ReadBatch(TrainingImages.SYNTHETIC, 4, 6).call(1);
      assertThat(batch.numExamples()).isEqualTo(2);
      assertThat(batch.getFeatures().minNumber().doubleValue()).isBetween(0.0, 0.5);
      assertThat(batch.getFeatures().maxNumber().doubleValue()).isBetween(0.5, 1.0);
      assertThat(batch.getLabels().sum(1).toDoubleVector()).containsOnly(1);
      var outputs = graph.output(batch);
      assertThat(outputs.get("conv2.diag_ggn_exact").shape()).containsExactly(5, 5, 6, 16);
      assertThat(outputs.get("full1.kflr.A").shape()).containsExactly(400, 400);
    }
  }
}
