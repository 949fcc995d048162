package org.backpack4j.samediff.testing;

import static org.backpack4j.samediff.testing.OpCase.random;
import static org.backpack4j.samediff.testing.OpCase.variables;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;
import org.nd4j.autodiff.loss.LossReduce;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** The losses of {@code sd.loss()}, with every reduction and with weights. */
final class LossCases {
  private static final INDArray ONE_HOT =
      Nd4j.createFromArray(new double[][] {{1, 0, 0, 0}, {0, 0, 1, 0}, {0, 1, 0, 0}});
  private static final INDArray BITS =
      Nd4j.createFromArray(new double[][] {{1, 0, 0, 1}, {0, 0, 1, 1}, {0, 1, 0, 0}});

  private final List<OpCase> cases = new ArrayList<>();

  private LossCases() {}

  static List<OpCase> all() {
    LossCases all = new LossCases();
    for (LossReduce reduce : LossReduce.values()) {
      all.reduced(reduce);
    }
    all.add(
        "sparseSoftmaxCrossEntropy",
        (sd, x) ->
            sd.loss().sparseSoftmaxCrossEntropy(x, sd.constant(Nd4j.createFromArray(2, 0, 3))));
    all.add("l2Loss", (sd, x) -> sd.loss().l2Loss(x));
    return all.cases;
  }

  private void add(String name, BiFunction<SameDiff, SDVariable, SDVariable> op) {
    INDArray x = random(3, 4).muli(0.3).addi(0.5);
    cases.add(new OpCase(name, variables("x", x), sd -> op.apply(sd, sd.getVariable("x"))));
  }

  private interface Weighted {
    SDVariable apply(SameDiff sd, SDVariable labels, SDVariable x, SDVariable weights);
  }

  private void add(String name, LossReduce reduce, Weighted op) {
    INDArray weights = Nd4j.createFromArray(new double[][] {{0.5}, {2}, {0}});
    add(name + " " + reduce, (sd, x) -> op.apply(sd, sd.constant(BITS), x, sd.constant(weights)));
  }

  private void reduced(LossReduce reduce) {
    // M2.1 takes no weights for each sample where there is no reduction.
    INDArray weights =
        reduce == LossReduce.NONE ? Nd4j.scalar(2.0) : Nd4j.createFromArray(0.5, 2., 0.);
    add(
        "softmaxCrossEntropy " + reduce,
        (sd, x) ->
            sd.loss()
                .softmaxCrossEntropy(sd.constant(ONE_HOT), x, sd.constant(weights), reduce, 0.1));
    add(
        "sigmoidCrossEntropy",
        reduce,
        (sd, y, x, w) -> sd.loss().sigmoidCrossEntropy(y, x, w, reduce, 0.1));
    add("meanSquaredError", reduce, (sd, y, x, w) -> sd.loss().meanSquaredError(y, x, w, reduce));
    add("huberLoss", reduce, (sd, y, x, w) -> sd.loss().huberLoss(y, x, w, reduce, 0.3));
    add("logLoss", reduce, (sd, y, x, w) -> sd.loss().logLoss(y, x, w, reduce, 1e-3));
    add(
        "logPoisson",
        reduce,
        (sd, y, x, w) -> sd.loss().logPoisson(y.add(1.0), x, w, reduce, true));
    add("hingeLoss", reduce, (sd, y, x, w) -> sd.loss().hingeLoss(y, x, w, reduce));
    add(
        "absoluteDifference",
        reduce,
        (sd, y, x, w) -> sd.loss().absoluteDifference(y, x, w, reduce));
    add("cosineDistance", reduce, (sd, y, x, w) -> sd.loss().cosineDistance(y, x, w, reduce, 1));
    add(
        "meanPairwiseSquaredError",
        reduce,
        (sd, y, x, w) -> sd.loss().meanPairwiseSquaredError(y, x, w, reduce));
  }
}
