package org.backpack4j.samediff.internal.loss;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.LinkedHashMap;
import java.util.Map;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.QuantityResults;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.DiagGGNMC;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.autodiff.loss.LossReduce;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Every loss with a sampled factor: its diagonal tends to the exact one, as 1/√samples. */
class SampledLossTest {
  private static final int N = 4;
  private static final int C = 3;

  /** A loss of what is fed as y, of predictions [N, C] and weights [N, 1] or [N]. */
  private enum Loss {
    SIGMOID {
      @Override
      void of(SameDiff sd, SDVariable z, SDVariable rows) {
        sd.loss().sigmoidCrossEntropy("loss", entries(sd), z, rows, LossReduce.SUM, 0.2);
      }
    },
    SOFTMAX {
      @Override
      void of(SameDiff sd, SDVariable z, SDVariable rows) {
        SDVariable vector = rows.reshape(-1);
        sd.loss().softmaxCrossEntropy("loss", entries(sd), z, vector, LossReduce.SUM, 0.2);
      }
    },
    SOFTMAX_FOR_EACH_ROW {
      @Override
      void of(SameDiff sd, SDVariable z, SDVariable rows) {
        SDVariable each =
            new org.nd4j.linalg.api.ops.impl.loss.SoftmaxCrossEntropyWithLogitsLoss(
                    sd, z, entries(sd), 1)
                .outputVariable();
        each.mul(rows.reshape(-1)).sum("loss");
        sd.setLossVariables("loss");
      }
    },
    SPARSE {
      @Override
      void of(SameDiff sd, SDVariable z, SDVariable rows) {
        SDVariable classes = sd.placeHolder("classes", DataType.INT32, -1);
        SDVariable each = sd.loss().sparseSoftmaxCrossEntropy(z, classes);
        each.mul(rows.reshape(-1)).sum("loss");
        sd.setLossVariables("loss");
      }
    },
    SQUARED {
      @Override
      void of(SameDiff sd, SDVariable z, SDVariable rows) {
        sd.loss().meanSquaredError("loss", entries(sd), z, rows, LossReduce.SUM);
      }
    };

    abstract void of(SameDiff sd, SDVariable z, SDVariable rows);

    static SDVariable entries(SameDiff sd) {
      return sd.placeHolder("y", DataType.DOUBLE, -1, C);
    }
  }

  @ParameterizedTest
  @EnumSource(Loss.class)
  void aHundredTimesTheSamplesAreATenthOfTheError(Loss loss) {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 2);
    SDVariable z = x.mmul("z", sd.var("w", random(1, 2, C)));
    loss.of(sd, z, sd.placeHolder("rows", DataType.DOUBLE, -1, 1));
    Map<String, INDArray> feeds = new LinkedHashMap<>();
    feeds.put("x", random(2, N, 2));
    feeds.put("rows", Nd4j.createFromArray(0.5, 2., 1., 0.).reshape(N, 1));
    if (loss == Loss.SPARSE) {
      feeds.put("classes", Nd4j.createFromArray(1, 0, 2, 2));
    } else {
      feeds.put("y", Nd4j.createFromArray(0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 1.).reshape(N, C));
    }
    double few = error(sd, feeds, 100);
    double many = error(sd, feeds, 10000);
    assertThat(many).isBetween(1e-5, 0.03);
    // the ratio of two errors that are themselves drawn
    assertThat(few / many).isBetween(4.0, 25.0);
  }

  /** The error of the diagonal, relative to its norm, in the root mean square of ten draws. */
  private static double error(SameDiff sd, Map<String, INDArray> feeds, int samples) {
    try (ExtendedGraph graph = BackPack.extend(sd, new DiagGGNMC(samples, 9), new DiagGGNExact())) {
      double squares = 0;
      double norm = 0;
      for (int k = 0; k < 10; k++) {
        QuantityResults evaluation = graph.evaluate(feeds);
        INDArray exact = evaluation.get("w", DiagGGNExact.class);
        INDArray off = evaluation.get("w", DiagGGNMC.class).sub(exact);
        squares += off.mul(off).sumNumber().doubleValue();
        norm += exact.mul(exact).sumNumber().doubleValue();
      }
      return Math.sqrt(squares / norm);
    }
  }

  private static INDArray random(long seed, long... shape) {
    java.util.Random random = new java.util.Random(seed);
    INDArray array = Nd4j.create(DataType.DOUBLE, shape);
    for (long i = 0; i < array.length(); i++) {
      array.putScalar(i, random.nextGaussian());
    }
    return array;
  }
}
