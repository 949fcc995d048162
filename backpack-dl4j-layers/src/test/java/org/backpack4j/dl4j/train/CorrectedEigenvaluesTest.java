package org.backpack4j.dl4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.backpack4j.dl4j.train.SmallImages.batches;
import static org.backpack4j.dl4j.train.SmallImages.fit;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.backpack4j.dl4j.BackPackListener;
import org.backpack4j.dl4j.Scale;
import org.backpack4j.dl4j.testing.Nets;
import org.backpack4j.samediff.QuantityResults;
import org.backpack4j.samediff.extension.EKFAC;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.extension.KFACExpand;
import org.backpack4j.samediff.extension.KFACReduce;
import org.backpack4j.samediff.extension.KFLR;
import org.backpack4j.samediff.extension.SqrtGGNExact;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Sgd;

class CorrectedEigenvaluesTest {
  private static final double RATE = 0.3;
  private static final double DAMPING = 0.02;

  @BeforeEach
  void seed() {
    Nd4j.getRandom().setSeed(41);
  }

  private static MultiLayerNetwork net() {
    return SmallImages.net(Nets.builder().updater(new Sgd(RATE)));
  }

  private static ComputationGraph graph() {
    return SmallImages.graph(Nets.builder().updater(new Sgd(RATE)));
  }

  /** A parameter's array as a matrix [O, I]; of a bias [P, 1]. */
  private static INDArray matrix(INDArray array) {
    return switch (array.rank()) {
      case 1 -> array.reshape(array.length(), 1);
      case 2 -> array.size(0) == 1 ? array.reshape(array.length(), 1) : array.transpose();
      default -> array.reshape('c', array.size(0), array.length() / array.size(0));
    };
  }

  /** Second moments of the exact columns along eigenvectors; the sums of one batch. */
  private static INDArray moments(INDArray columns, INDArray left, INDArray right) {
    INDArray sum = Nd4j.zeros(DataType.DOUBLE, left.size(1), right.size(1));
    for (long v = 0; v < columns.size(0); v++) {
      for (long n = 0; n < columns.size(1); n++) {
        INDArray column = matrix(columns.slice(v).slice(n).dup('c'));
        INDArray along = left.transpose().mmul(column).mmul(right);
        sum.addi(along.mul(along));
      }
    }
    return sum;
  }

  private static INDArray right(Map<String, INDArray> vectors, String name) {
    INDArray right = vectors.get(name + "Q_A");
    return right == null ? Nd4j.ones(DataType.DOUBLE, 1, 1) : right;
  }

  /** Steps by hand: each parameter's mean gradient by its own eigenvectors and second moments. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aStepIsOfTheSecondMomentsAlongTheEigenvectors(boolean ofGraph) {
    Model net = ofGraph ? graph() : net();
    KFLR factors = new KFLR();
    SqrtGGNExact root = new SqrtGGNExact();
    EKFAC corrected = new EKFAC();
    QuantityResults[] seen = new QuantityResults[1];
    BackPackListener hand =
        new BackPackListener(factors, root).scale(Scale.MEAN).onStep(s -> seen[0] = s.quantities());
    Kfac kfac =
        Kfac.preconditioner(factors).damping(DAMPING).decay(0.5).every(1, 2).correctedEigenvalues();
    List<DataSet> data = batches(6, 5, 6);
    net.setListeners(hand, kfac.check(net, data.get(0)));
    Map<String, INDArray> vectors = Map.of();
    Map<String, INDArray> averages = new LinkedHashMap<>();
    MovingCurvature moving = new MovingCurvature(factors);
    for (int k = 0; k < 3; k++) {
      Map<String, INDArray> before = new LinkedHashMap<>();
      net.paramTable().forEach((name, p) -> before.put(name, p.dup('c')));
      fit(net, data.get(k));
      moving.add(seen[0], 0.5);
      boolean anew = k != 1; // with each inverse
      if (anew) {
        vectors = moving.curvature().eigenvectors(corrected);
      }
      for (String p : before.keySet()) {
        INDArray left = vectors.get(p + ".ekfac.Q_B");
        INDArray right = right(vectors, p + ".ekfac.");
        INDArray now = moments(seen[0].get(p, root), left, right);
        INDArray average =
            anew ? now : averages.get(p).add(now.mul(2)).div(3); // as a quarter and a half
        averages.put(p, average);
        INDArray along = left.transpose().mmul(matrix(seen[0].gradient(p))).mmul(right);
        INDArray natural = left.mmul(along.div(average.add(DAMPING))).mmul(right.transpose());
        INDArray moved = matrix(before.get(p).sub(net.getParam(p))).div(RATE);
        assertThat(moved.sub(natural).amaxNumber().doubleValue())
            .as(p + " in step " + k)
            .isLessThan(1e-9);
      }
    }
  }

  /** Of batches large enough that no factor has a null space, whose eigenvectors are anything. */
  @Test
  void plannedTrainingMakesTheSameSteps() {
    for (Extension factors : List.of(new KFACExpand(), new KFACReduce())) {
      MultiLayerNetwork net = net();
      MultiLayerNetwork same = net.clone();
      net.addListeners(Kfac.preconditioner(factors).every(2, 3).correctedEigenvalues());
      same.addListeners(Kfac.preconditioner(factors).every(2, 3).correctedEigenvalues());
      try (PlannedTraining training = PlannedTraining.of(same)) {
        for (DataSet batch : batches(30, 30, 30, 30, 30)) {
          net.fit(batch);
          training.fit(batch);
        }
      }
      assertThat(net.params().sub(same.params()).amaxNumber().doubleValue()).isLessThan(1e-8);
    }
  }

  @Test
  void aTrainingRepeatsToTheLastBit() {
    MultiLayerNetwork net = net();
    MultiLayerNetwork again = net.clone();
    List<DataSet> data = batches(5, 6, 5);
    for (MultiLayerNetwork each : List.of(net, again)) {
      each.setListeners(Kfac.reduce().every(1, 2).correctedEigenvalues());
      data.forEach(each::fit);
    }
    assertThat(again.params()).isEqualTo(net.params());
  }

  @Test
  void aDiagonalHasNothingToCorrect() {
    assertThatThrownBy(() -> Kfac.diagonal().correctedEigenvalues())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("Kronecker factors, not of \"diag_ggn_mc\"");
  }
}
