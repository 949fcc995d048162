package org.backpack4j.samediff.dataset;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.nd4j.autodiff.loss.LossReduce;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Losses of every kind, and a data set in batches of uneven sizes. */
public final class DataSetCases {
  public static final int SAMPLES = 97;

  private DataSetCases() {}

  /** x [N, 5] → tanh(x w + b) v = z [N, 3]. */
  public static SDVariable network(SameDiff sd, DataType type) {
    Nd4j.getRandom().setSeed(5);
    SDVariable x = sd.placeHolder("x", type, -1, 5);
    SDVariable w = sd.var("w", random(type, 5, 4));
    SDVariable h = sd.math().tanh("h", x.mmul("xw", w).add("xwb", sd.var("b", random(type, 4))));
    return h.mmul("z", sd.var("v", random(type, 4, 3)));
  }

  public static INDArray random(DataType type, long... shape) {
    return Nd4j.rand(DataType.DOUBLE, shape).subi(0.4).castTo(type);
  }

  public static Map<String, INDArray> data(DataType type) {
    Nd4j.getRandom().setSeed(6);
    INDArray labels = Nd4j.zeros(type, SAMPLES, 3);
    INDArray weights = Nd4j.zeros(type, SAMPLES, 1);
    Random random = new Random(3);
    for (int n = 0; n < SAMPLES; n++) {
      labels.putScalar(n, random.nextInt(3), 1);
      weights.putScalar(n, 0, n % 5 == 0 ? 0 : 0.5 + random.nextDouble());
    }
    weights.get(NDArrayIndex.interval(20, 40), NDArrayIndex.all()).assign(0); // whole batches
    Map<String, INDArray> data = new LinkedHashMap<>();
    data.put("x", random(type, SAMPLES, 5).muli(3));
    data.put("y", labels);
    data.put("s", weights);
    return data;
  }

  /** The data in so many batches, none as large as the next, some without a sample. */
  public static List<Map<String, INDArray>> batches(Map<String, INDArray> data, int count) {
    int samples = (int) data.get("x").size(0);
    Random random = new Random(count);
    int[] sizes = new int[count];
    for (int n = 0; n < samples; n++) {
      sizes[Math.min(random.nextInt(count), random.nextInt(count))]++;
    }
    List<Map<String, INDArray>> batches = new ArrayList<>();
    int from = 0;
    for (int size : sizes) {
      Map<String, INDArray> batch = new LinkedHashMap<>();
      for (Map.Entry<String, INDArray> entry : data.entrySet()) {
        INDArray array = entry.getValue();
        long[] shape = array.shape().clone();
        shape[0] = size;
        batch.put(
            entry.getKey(),
            size == 0
                ? Nd4j.create(array.dataType(), shape)
                : array.get(NDArrayIndex.interval(from, from + size), NDArrayIndex.all()).dup());
      }
      from += size;
      batches.add(batch);
    }
    return batches;
  }

  /** How a loss is made of its samples. */
  public enum Loss {
    MEAN,
    SUM,
    WEIGHTED_SUM,
    BY_WEIGHT,
    BY_COUNT,
    WRITTEN_OUT,
    OVER_SAMPLES,
    OVER_WEIGHTS,
    UNREDUCED,
    PENALISED_MEAN,
    PENALISED_SUM,
    SHARED_PENALTY,
    HALF_SQUARE,
    SEVERAL
  }

  public static SameDiff graph(Loss loss, DataType type) {
    SameDiff sd = SameDiff.create();
    SDVariable z = network(sd, type);
    SDVariable y = sd.placeHolder("y", type, -1, 3);
    SDVariable one = sd.constant(Nd4j.scalar(type, 1.0));
    switch (loss) {
      case MEAN ->
          sd.loss()
              .softmaxCrossEntropy("loss", y, z, one, LossReduce.MEAN_BY_NONZERO_WEIGHT_COUNT, 0);
      case SUM -> sd.loss().softmaxCrossEntropy("loss", y, z, one, LossReduce.SUM, 0);
      case WEIGHTED_SUM ->
          sd.loss().meanSquaredError("loss", y, z, weights(sd, type), LossReduce.SUM);
      case BY_WEIGHT ->
          sd.loss().meanSquaredError("loss", y, z, weights(sd, type), LossReduce.MEAN_BY_WEIGHT);
      case BY_COUNT ->
          sd.loss()
              .sigmoidCrossEntropy(
                  "loss", y, z, weights(sd, type), LossReduce.MEAN_BY_NONZERO_WEIGHT_COUNT, 0);
      case WRITTEN_OUT -> {
        SDVariable terms = sd.math().square(z.sub(y)).sum("terms", 1);
        sd.setLossVariables(terms.mean("mean").mul("loss", 0.5));
      }
      case OVER_SAMPLES -> {
        SDVariable count = sd.sizeAt(sd.getVariable("x"), 0).castTo(type);
        sd.setLossVariables(
            sd.math().square(z.sub(y)).sum("total").div("each", count).mul("loss", 2));
      }
      case OVER_WEIGHTS -> {
        SDVariable s = weights(sd, type);
        SDVariable total = sd.math().square(z.sub(y)).mul(s).sum("total");
        sd.setLossVariables(total.div("loss", s.sum("weight")));
      }
      case UNREDUCED -> {
        SDVariable terms = sd.math().square(z.sub(y)).sum("loss", 1);
        sd.setLossVariables(terms);
      }
      case PENALISED_MEAN -> {
        SDVariable mean = sd.loss().meanSquaredError("data", y, z, one);
        sd.setLossVariables(mean.add("loss", penalty(sd)));
      }
      case PENALISED_SUM -> {
        SDVariable sum = sd.loss().meanSquaredError("data", y, z, one, LossReduce.SUM);
        SDVariable count = sd.sizeAt(sd.getVariable("x"), 0).castTo(type);
        sd.setLossVariables(sum.add("loss", penalty(sd).div(count)));
      }
      case SHARED_PENALTY -> {
        SDVariable sum = sd.loss().meanSquaredError("data", y, z, one, LossReduce.SUM);
        SDVariable count = sd.sizeAt(sd.getVariable("x"), 0).castTo(type);
        sd.setLossVariables(sum.add(penalty(sd)).div("loss", count));
      }
      case HALF_SQUARE -> {
        SDVariable sum = sd.loss().meanSquaredError("data", y, z, one, LossReduce.SUM);
        SDVariable half = sd.loss().l2Loss("half", sd.getVariable("w"));
        sd.setLossVariables(sum, half);
      }
      case SEVERAL -> {
        SDVariable first =
            sd.loss()
                .softmaxCrossEntropy(
                    "first", y, z, one, LossReduce.MEAN_BY_NONZERO_WEIGHT_COUNT, 0);
        SDVariable second = sd.loss().meanSquaredError("second", y, z, one);
        sd.setLossVariables(first, second, penalty(sd));
      }
    }
    return sd;
  }

  public static SDVariable weights(SameDiff sd, DataType type) {
    return sd.placeHolder("s", type, -1, 1);
  }

  public static SDVariable penalty(SameDiff sd) {
    return sd.math().square(sd.getVariable("w")).sum().mul("penalty", 0.3);
  }
}
