package org.backpack4j.samediff.internal.loss;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.UnsupportedGraphException;
import org.backpack4j.samediff.check.BruteForce;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.internal.interpret.ReferenceInterpreter;
import org.backpack4j.samediff.testing.Checked;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.autodiff.loss.LossReduce;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.loss.SoftmaxCrossEntropyWithLogitsLoss;
import org.nd4j.linalg.api.ops.impl.loss.WeightedCrossEntropyLoss;
import org.nd4j.linalg.factory.Nd4j;

/** Every loss op, with every reduction and every kind of weights, against brute force. */
class LossesTest {
  private static final int N = 3;
  private static final int C = 4;

  private final SameDiff sd = SameDiff.create();
  private final Map<String, INDArray> feeds = new LinkedHashMap<>();

  @BeforeEach
  void seed() {
    Nd4j.getRandom().setSeed(11);
  }

  private static INDArray random(long... shape) {
    return Nd4j.rand(DataType.DOUBLE, shape).subi(0.4);
  }

  private SDVariable fed(String name, INDArray array) {
    feeds.put(name, array);
    long[] shape = array.shape().clone();
    shape[0] = -1;
    return sd.placeHolder(name, array.dataType(), shape);
  }

  /** Predictions [N, C] of one layer. */
  private SDVariable predictions() {
    return fed("x", random(N, 2)).mmul("z", sd.var("w", random(2, C)));
  }

  /** A loss of labels, predictions and weights. */
  private enum Loss {
    ABSOLUTE {
      @Override
      SDVariable of(SameDiff sd, SDVariable y, SDVariable z, SDVariable w, LossReduce reduce) {
        // away from the kinks: there brute force has no second differences
        return sd.loss().absoluteDifference("loss", y.mul(4).sub(1.5), z, w, reduce);
      }
    },
    COSINE {
      @Override
      SDVariable of(SameDiff sd, SDVariable y, SDVariable z, SDVariable w, LossReduce reduce) {
        return sd.loss().cosineDistance("loss", y, z, w, reduce, 1);
      }
    },
    HINGE {
      @Override
      SDVariable of(SameDiff sd, SDVariable y, SDVariable z, SDVariable w, LossReduce reduce) {
        return sd.loss().hingeLoss("loss", y, z, w, reduce);
      }
    },
    HUBER {
      @Override
      SDVariable of(SameDiff sd, SDVariable y, SDVariable z, SDVariable w, LossReduce reduce) {
        return sd.loss().huberLoss("loss", y, z, w, reduce, 0.4);
      }
    },
    LOG {
      @Override
      SDVariable of(SameDiff sd, SDVariable y, SDVariable z, SDVariable w, LossReduce reduce) {
        return sd.loss().logLoss("loss", y, sd.nn().sigmoid("p", z), w, reduce, 1e-3);
      }
    },
    PAIRWISE {
      @Override
      SDVariable of(SameDiff sd, SDVariable y, SDVariable z, SDVariable w, LossReduce reduce) {
        return sd.loss().meanPairwiseSquaredError("loss", y, z, w, reduce);
      }
    },
    POISSON {
      @Override
      SDVariable of(SameDiff sd, SDVariable y, SDVariable z, SDVariable w, LossReduce reduce) {
        return sd.loss().logPoisson("loss", y, z, w, reduce, false);
      }
    },
    POISSON_FULL {
      @Override
      SDVariable of(SameDiff sd, SDVariable y, SDVariable z, SDVariable w, LossReduce reduce) {
        return sd.loss().logPoisson("loss", y.add(1), z, w, reduce, true);
      }
    },
    SIGMOID {
      @Override
      SDVariable of(SameDiff sd, SDVariable y, SDVariable z, SDVariable w, LossReduce reduce) {
        return sd.loss().sigmoidCrossEntropy("loss", y, z, w, reduce, 0.1);
      }
    },
    SOFTMAX {
      @Override
      SDVariable of(SameDiff sd, SDVariable y, SDVariable z, SDVariable w, LossReduce reduce) {
        return sd.loss().softmaxCrossEntropy("loss", y, z, w, reduce, 0.1);
      }
    },
    SQUARED {
      @Override
      SDVariable of(SameDiff sd, SDVariable y, SDVariable z, SDVariable w, LossReduce reduce) {
        return sd.loss().meanSquaredError("loss", y, z, w, reduce);
      }
    };

    abstract SDVariable of(
        SameDiff sd, SDVariable y, SDVariable z, SDVariable w, LossReduce reduce);

    /** Whether the terms are one for each entry. */
    boolean elementwise() {
      return this != COSINE && this != PAIRWISE && this != SOFTMAX;
    }
  }

  private INDArray labels() {
    INDArray y = Nd4j.zeros(DataType.DOUBLE, N, C);
    for (int n = 0; n < N; n++) {
      y.putScalar(n, (n + 1) % C, 1);
    }
    return y;
  }

  /** Weights of each kind. */
  private enum Weights {
    NONE,
    CONSTANT,
    FED_SCALAR,
    FED_ROWS,
    CONSTANT_ENTRIES,
    FED_ENTRIES,
    FED_COLUMNS
  }

  private SDVariable weights(Loss loss, LossReduce reduce, Weights kind) {
    // some are negative, one is zero; they are fed, so nobody can know
    INDArray rows = Nd4j.createFromArray(0.5, -2., 0.).reshape(N, 1);
    INDArray entries = random(N, loss.elementwise() ? C : 1).putScalar(1, 0, 0);
    boolean vector = loss == Loss.SOFTMAX && reduce != LossReduce.NONE;
    return switch (kind) {
      case NONE -> null;
      case CONSTANT -> sd.constant(Nd4j.scalar(1.5));
      case FED_SCALAR -> {
        feeds.put("weights", Nd4j.scalar(-0.7));
        yield sd.placeHolder("weights", DataType.DOUBLE);
      }
      case FED_ROWS -> fed("weights", vector ? rows.reshape(N) : rows);
      case CONSTANT_ENTRIES ->
          loss.elementwise()
              ? sd.constant(random(1, C).putScalar(0, 2, 0))
              : sd.constant(Nd4j.scalar(0.0));
      case FED_ENTRIES -> fed("weights", entries);
      case FED_COLUMNS -> {
        feeds.put("weights", loss.elementwise() ? random(1, C) : random(1, 1));
        yield sd.placeHolder("weights", DataType.DOUBLE, 1, loss.elementwise() ? C : 1);
      }
    };
  }

  static Stream<Arguments> everyReduction() {
    List<Arguments> cases = new ArrayList<>();
    int k = 0;
    for (Loss loss : Loss.values()) {
      for (LossReduce reduce : LossReduce.values()) {
        cases.add(Arguments.of(loss, reduce, Weights.values()[k++ % Weights.values().length]));
      }
    }
    return cases.stream();
  }

  static Stream<Arguments> everyWeight() {
    List<Arguments> cases = new ArrayList<>();
    int k = 0;
    for (Weights weights : Weights.values()) {
      for (LossReduce reduce : LossReduce.values()) {
        cases.add(Arguments.of(k++ % 2 == 0 ? Loss.SQUARED : Loss.SOFTMAX, reduce, weights));
      }
      k++;
    }
    return cases.stream();
  }

  @ParameterizedTest
  @MethodSource({"everyReduction", "everyWeight"})
  void agreesWithBruteForce(Loss loss, LossReduce reduce, Weights kind) {
    SDVariable y = fed("y", labels());
    loss.of(sd, y, predictions(), weights(loss, reduce, kind), reduce);
    Map<String, INDArray> results = Checked.checkNumbers(sd, feeds, Checked.all());
    if (kind == Weights.NONE) {
      assertThat(results.get("w.grad").norm2Number().doubleValue()).isPositive();
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Loss.class,
      names = {"HUBER", "SOFTMAX"})
  void agreesInEveryLayout(Loss loss) {
    SDVariable y = fed("y", labels());
    SDVariable weights = weights(loss, LossReduce.MEAN_BY_WEIGHT, Weights.FED_ROWS);
    loss.of(sd, y, predictions(), weights, LossReduce.MEAN_BY_WEIGHT);
    Checked.check(sd, feeds);
  }

  // ---- labels and weights that are computed from parameters ----

  /** The gradients of the loss by central differences. */
  private void gradientsAgree(boolean ofSamples, String... parameters) {
    Map<String, INDArray> results;
    Extension[] extensions = ofSamples ? new Extension[] {new BatchGrad()} : new Extension[0];
    try (var graph = BackPack.extend(sd, extensions)) {
      results = graph.output(feeds, graph.outputNames());
    }
    for (String name : parameters) {
      INDArray parameter = sd.getVariable(name).getArr();
      INDArray expected = Nd4j.zeros(DataType.DOUBLE, parameter.shape());
      for (long k = 0; k < parameter.length(); k++) {
        double value = parameter.getDouble(k);
        double step = 1e-6;
        parameter.putScalar(k, value + step);
        double above = loss();
        parameter.putScalar(k, value - step);
        double below = loss();
        parameter.putScalar(k, value);
        expected.putScalar(k, (above - below) / (2 * step));
      }
      INDArray gradient = results.get(name + ".grad");
      double largest = expected.amaxNumber().doubleValue();
      assertThat(gradient.sub(expected).amaxNumber().doubleValue())
          .as(name)
          .isLessThan(1e-6 * Math.max(largest, 1));
      if (!ofSamples) {
        continue;
      }
      assertThat(results.get(name + ".grad_batch").sum(0).sub(gradient).amaxNumber().doubleValue())
          .as(name)
          .isLessThan(1e-12 * Math.max(largest, 1));
    }
  }

  private double loss() {
    return ReferenceInterpreter.run(sd, feeds, List.of("loss"))
        .get("loss")
        .sumNumber()
        .doubleValue();
  }

  static Stream<Arguments> everyTrainedWeight() {
    List<Arguments> cases = new ArrayList<>();
    int k = 0;
    for (Loss loss : Loss.values()) {
      for (LossReduce reduce : LossReduce.values()) {
        if (loss == Loss.SQUARED || k++ % 3 == 0) {
          cases.add(Arguments.of(loss, reduce, k % 2 == 0));
        }
      }
    }
    return cases.stream();
  }

  @ParameterizedTest
  @MethodSource("everyTrainedWeight")
  void weightsAreTrained(Loss loss, LossReduce reduce, boolean scalar) {
    SDVariable y = fed("y", labels());
    SDVariable z = predictions();
    INDArray start = scalar ? Nd4j.scalar(0.7) : random(1, loss.elementwise() ? C : 1).addi(1);
    loss.of(sd, y, z, sd.var("v", start).mul(1.5), reduce);
    gradientsAgree(reduce != LossReduce.MEAN_BY_WEIGHT, "w", "v");
  }

  @ParameterizedTest
  @EnumSource(Loss.class)
  void labelsAreTrained(Loss loss) {
    SDVariable z = predictions();
    SDVariable y = sd.nn().sigmoid(sd.getVariable("x").mmul(sd.var("v", random(2, C))));
    loss.of(sd, y, z, fed("weights", random(N, 1)), LossReduce.SUM);
    gradientsAgree(true, "w", "v");
  }

  @ParameterizedTest
  @EnumSource(
      value = Loss.class,
      names = {"SQUARED", "HUBER", "PAIRWISE"})
  void labelsOfADifferenceHaveAGaussNewtonMatrix(Loss loss) {
    SDVariable z = predictions();
    SDVariable y = sd.math().tanh(sd.getVariable("x").mmul(sd.var("v", random(2, C))));
    loss.of(sd, y, z, null, LossReduce.SUM);
    Checked.checkNumbers(sd, feeds, Checked.all());
  }

  @Test
  void meanByTrainedWeightsIsNoSumOverSamples() {
    SDVariable y = fed("y", labels());
    SDVariable v = sd.var("v", random(1, C));
    sd.loss().meanSquaredError("loss", y, predictions(), v, LossReduce.MEAN_BY_WEIGHT);
    refused(new BatchGrad()).hasMessageContaining("acts on all samples at once");
  }

  @Test
  void otherLabelsHaveNone() {
    SDVariable z = predictions();
    SDVariable y = sd.nn().sigmoid(sd.getVariable("x").mmul(sd.var("v", random(2, C))));
    sd.loss().sigmoidCrossEntropy("loss", y, z, null);
    refused(new DiagGGNExact()).hasMessageContaining("labels or weights of the loss depend on");
  }

  private org.assertj.core.api.AbstractThrowableAssert<?, ?> refused(Extension... extensions) {
    return assertThatThrownBy(() -> BackPack.extend(sd, extensions))
        .isInstanceOf(UnsupportedGraphException.class);
  }

  // ---- what the result is used for ----

  @Test
  void lossesOfTwoHeadsAreWeighted() {
    SDVariable hidden = sd.math().tanh(fed("x", random(N, 2)).mmul(sd.var("u", random(2, 3))));
    SDVariable z = hidden.mmul("z", sd.var("w", random(3, C)));
    SDVariable r = hidden.mmul("r", sd.var("v", random(3, 2)));
    SDVariable first = sd.loss().softmaxCrossEntropy("first", fed("y", labels()), z, null);
    SDVariable second =
        sd.loss().meanSquaredError("second", fed("t", random(N, 2)), r, null, LossReduce.SUM);
    first.mul(0.5).add("loss", second.mul(-0.25));
    sd.setLossVariables("loss");
    Checked.check(sd, feeds);
  }

  @ParameterizedTest
  @CsvSource({"false, mean", "true, mean", "true, sum", "false, ratio"})
  void lossesOfTimeStepsAreMaskedAndReducedByHand(boolean sparse, String reduction) {
    SDVariable x = fed("x", random(N, 3, 2));
    SDVariable z = x.reshape(-1, 2).mmul(sd.var("w", random(2, C))).reshape(-1, 3, C).rename("z");
    INDArray numbers = Nd4j.createFromArray(new int[][] {{0, 1, 3}, {2, 2, 0}, {1, 3, 0}});
    INDArray hot = Nd4j.zeros(DataType.DOUBLE, N, 3, C);
    for (int n = 0; n < N; n++) {
      for (int t = 0; t < 3; t++) {
        hot.putScalar(new int[] {n, t, numbers.getInt(n, t)}, 1);
      }
    }
    SDVariable each =
        sparse
            ? sd.loss().sparseSoftmaxCrossEntropy("each", z, fed("y", numbers))
            : sd.loss().softmaxCrossEntropy("each", fed("y", hot), z, null, LossReduce.NONE, 0);
    INDArray steps = Nd4j.createFromArray(new double[][] {{1, 1, 0}, {1, 0, 0}, {1, 1, 1}});
    SDVariable mask = fed("mask", steps);
    SDVariable masked = each.mul(mask);
    switch (reduction) {
      case "mean" -> masked.mean("loss", 0, 1);
      case "sum" -> masked.sum(1).sum("loss");
      default -> masked.sum().div("loss", mask.sum());
    }
    sd.setLossVariables("loss");
    Checked.check(sd, feeds);
  }

  @Test
  void samplesMayStandOnTheSecondAxis() {
    feeds.put("x", random(2, N, 2));
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, 2, -1, 2);
    feeds.put("y", Nd4j.nn().softmax(random(2, N, C)));
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, 2, -1, C);
    SDVariable w = sd.var("w", random(2, 2, C));
    SDVariable z = sd.mmul("z", x, w);
    sd.loss().softmaxCrossEntropy("loss", y, z, null);
    Checked.checkNumbers(
        feeds,
        BackPack.on(sd).sampleAxis("x", 1).sampleAxis("y", 1),
        BruteForce.on(sd, feeds).sampleAxis(1),
        Checked.all());
  }

  @Test
  void stepsMayBeFoldedWithTheSamples() {
    SDVariable x = fed("x", random(N, 3, 2));
    SDVariable z = x.reshape(-1, 2).mmul("z", sd.var("w", random(2, C)));
    SDVariable y = fed("y", Nd4j.nn().softmax(random(N, 3, C))).reshape(-1, C);
    SDVariable weights = fed("weights", random(N, 3)).reshape(-1);
    sd.loss().softmaxCrossEntropy("loss", y, z, weights, LossReduce.MEAN_BY_WEIGHT, 0.2);
    Checked.checkNumbers(sd, feeds, Checked.all());
  }

  /** M2.1 divides the smoothing by the extent of axis 1, whatever the number of classes is. */
  @Test
  void smoothedLabelsOfTimeSteps() {
    SDVariable x = fed("x", random(N, 3, 2));
    SDVariable z = x.reshape(-1, 2).mmul(sd.var("w", random(2, C))).reshape(-1, 3, C).rename("z");
    SDVariable y = fed("y", Nd4j.nn().softmax(random(N, 3, C)));
    SDVariable weights = fed("weights", random(N, 1));
    sd.loss().softmaxCrossEntropy("loss", y, z, weights, LossReduce.SUM, 0.3);
    Checked.check(sd, feeds);
  }

  @ParameterizedTest
  @CsvSource({"1, -1", "2, 2", "1, 1"})
  void unreducedSoftmaxCrossEntropy(int axis, int argument) {
    SDVariable x = fed("x", random(N, 2));
    boolean steps = axis == 2 || argument == 1;
    SDVariable z = x.mmul(sd.var("w", random(2, steps ? 6 : C)));
    z = (steps ? z.reshape(-1, 2, 3) : z).rename("z");
    INDArray labels = steps ? Nd4j.nn().softmax(random(N, 2, 3), axis) : labels();
    new SoftmaxCrossEntropyWithLogitsLoss(sd, z, fed("y", labels), argument)
        .outputVariable()
        .rename("loss");
    sd.setLossVariables("loss");
    Checked.check(sd, feeds);
  }

  @Test
  void sparseLabelsOfSamples() {
    SDVariable y = fed("y", Nd4j.createFromArray(2, 0, 3));
    sd.loss().sparseSoftmaxCrossEntropy("loss", predictions(), y);
    Checked.check(sd, feeds);
  }

  /** M2.1 reads beyond the logits for a label of −1. */
  @ParameterizedTest
  @ValueSource(ints = {-1, C})
  void sparseLabelsOfNoClass(int label) {
    SDVariable y = fed("y", Nd4j.createFromArray(2, label, 3));
    sd.loss().sparseSoftmaxCrossEntropy("loss", predictions(), y);
    try (ExtendedGraph graph = BackPack.extend(sd, new BatchGrad())) {
      assertThatThrownBy(() -> graph.output(feeds, graph.outputNames()))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("\"y\" is fed the number " + label);
    }
  }

  // ---- the odd ones ----

  @Test
  void halfSquareOfAParameterIsAPenalty() {
    SDVariable y = fed("y", labels());
    SDVariable loss = sd.loss().softmaxCrossEntropy("plain", y, predictions(), null);
    loss.add("loss", sd.loss().l2Loss(sd.getVariable("w")).mul(0.3));
    sd.setLossVariables("loss");
    Map<String, INDArray> results = Checked.check(sd, feeds);
    INDArray expected = sd.getVariable("w").getArr().mul(0.3);
    assertThat(results.get("w.grad_penalty").sub(expected).amaxNumber().doubleValue())
        .isLessThan(1e-14);
  }

  /** So is any other loss that no sample enters, whatever its reduction divides by. */
  @ParameterizedTest
  @EnumSource(LossReduce.class)
  void lossOfAParameterIsAPenalty(LossReduce reduce) {
    SDVariable y = fed("y", labels());
    SDVariable loss = sd.loss().softmaxCrossEntropy("plain", y, predictions(), null);
    SDVariable weights = sd.constant(random(2, C));
    SDVariable penalty =
        sd.loss()
            .huberLoss(
                "pull", sd.constant(random(2, C)), sd.getVariable("w"), weights, reduce, 0.2);
    loss.add("loss", penalty.sum());
    sd.setLossVariables("loss");
    Checked.checkNumbers(
        feeds, BackPack.on(sd), BruteForce.on(sd, feeds).predictions("z"), Checked.all());
  }

  /** The mean of the predictions is one number for all samples, and has no part for each. */
  @Test
  void lossOfTheBatchsMean() {
    SDVariable mean = predictions().mean("mean", true, 0);
    sd.loss().meanSquaredError("loss", sd.constant(random(1, C)), mean, null);
    gradientsAgree(true, "w");
    refused(new DiagGGNExact()).hasMessageContaining("samples influence each other");
  }

  @Test
  void halfSquareOfPredictionsIsALoss() {
    sd.loss().l2Loss("loss", predictions().sub("d", fed("y", labels())));
    Checked.checkNumbers(
        feeds, BackPack.on(sd), BruteForce.on(sd, feeds).predictions("d"), Checked.all());
  }

  @ParameterizedTest
  @CsvSource({"true", "false"})
  void weightedCrossEntropy(boolean scalar) {
    SDVariable z = predictions();
    SDVariable w = sd.constant(scalar ? Nd4j.scalar(2.5) : random(C));
    // the op reads targets, logits, weights; the class hands over predictions, weights, labels
    new WeightedCrossEntropyLoss(sd, LossReduce.SUM, fed("y", labels()), z, w)
        .outputVariable()
        .rename("each")
        .mean("loss");
    sd.setLossVariables("loss");
    Checked.checkNumbers(
        feeds, BackPack.on(sd), BruteForce.on(sd, feeds).predictions("z"), Checked.all());
  }

  @Test
  void pairwiseErrorOfImages() {
    SDVariable z = predictions().reshape(-1, 2, 2).rename("q");
    SDVariable y = fed("y", random(N, 2, 2));
    sd.loss().meanPairwiseSquaredError("loss", y, z, null);
    Checked.checkNumbers(sd, feeds, Checked.all());
  }

  @Test
  void lossOfALossHasSignedColumns() {
    SDVariable y = fed("y", labels());
    SDVariable each =
        sd.loss().softmaxCrossEntropy("each", y, predictions(), null, LossReduce.NONE, 0);
    // focal: (1 − p)² ℓ with p = exp(−ℓ)
    SDVariable miss = sd.math().exp(each.neg()).rsub(1);
    sd.math().square(miss).mul(each).mean("loss");
    sd.setLossVariables("loss");
    Checked.checkNumbers(
        feeds,
        BackPack.on(sd).predictions("z"),
        BruteForce.on(sd, feeds).predictions("z"),
        Checked.all());
  }

  // ---- refusals ----

  @Test
  void pairsAreNeeded() {
    SDVariable z = fed("x", random(N, 2)).mmul("z", sd.var("w", random(2, 1)));
    sd.loss().meanPairwiseSquaredError("loss", fed("y", random(N, 1)), z, null);
    refused(new BatchGrad()).hasMessageContaining("make no pairs");
  }

  @Test
  void unreducedPairwiseErrorOfImages() {
    SDVariable z = predictions().reshape(-1, 2, 2);
    SDVariable y = fed("y", random(N, 2, 2));
    sd.loss().meanPairwiseSquaredError("loss", y, z, null, LossReduce.NONE);
    refused(new BatchGrad()).hasMessageContaining("garbage");
  }

  @Test
  void samplesOnTheClassAxis() {
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 2);
    SDVariable z = sd.mmul("z", sd.var("w", random(C, 2)), x, false, true, false);
    SDVariable y = sd.transpose(sd.placeHolder("y", DataType.DOUBLE, -1, C));
    sd.loss().softmaxCrossEntropy("loss", y, z, null);
    refused(new BatchGrad()).hasMessageContaining("class axis");
  }

  @Test
  void distanceAlongTheSampleAxis() {
    sd.loss().cosineDistance("loss", fed("y", labels()), predictions(), null, 0);
    refused(new BatchGrad()).hasMessageContaining("along the sample axis");
  }

  @Test
  void labelsOfOtherSamples() {
    SDVariable x = fed("x", random(N, 3, 2));
    SDVariable z = x.reshape(-1, 2).mmul("z", sd.var("w", random(2, C)));
    feeds.put("y", random(3, N, C));
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, 3, -1, C).reshape(-1, C);
    sd.loss().meanSquaredError("loss", y, z, null);
    assertThatThrownBy(() -> BackPack.on(sd).sampleAxis("y", 1).extend(new BatchGrad()))
        .isInstanceOf(UnsupportedGraphException.class)
        .hasMessageContaining("of others");
  }

  @Test
  void lossThatComparesSamplesHasNoColumns() {
    SDVariable z = predictions();
    sd.math().square(z.sub(z.mean(true, 0))).sum("loss");
    sd.setLossVariables("loss");
    assertThatThrownBy(() -> BackPack.on(sd).predictions("z").extend(new DiagGGNExact()))
        .isInstanceOf(UnsupportedGraphException.class)
        .hasMessageContaining("not a sum over samples");
  }
}
