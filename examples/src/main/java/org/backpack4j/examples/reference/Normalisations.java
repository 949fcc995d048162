package org.backpack4j.examples.reference;

import java.util.Arrays;
import java.util.Map;
import java.util.stream.IntStream;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Normalisations. Batch normalisation has fixed statistics. The others are written out, since
 * ND4J's own layer normalisation adds nothing to the variance.
 */
final class Normalisations {

  private static final double EPSILON = 1e-5;

  private Normalisations() {}

  static void register(Map<String, Module> table) {
    for (int dimensions = 1; dimensions <= 3; dimensions++) {
      table.put("batchnorm" + dimensions + "d", Normalisations::batchNorm);
      table.put("instancenorm" + dimensions + "d", Normalisations::instanceNorm);
    }
    table.put("batchnorm", Normalisations::batchNorm);
    table.put("groupnorm", Normalisations::groupNorm);
    table.put("layernorm", Normalisations::layerNorm);
    table.put("rmsnorm", Normalisations::rmsNorm);
  }

  private static Tensor batchNorm(ModuleContext c) {
    Tensor x = c.input();
    INDArray mean = c.buffer("running_mean");
    INDArray variance = c.buffer("running_var");
    if (mean == null || variance == null) {
      throw c.unsupported("statistics of the batch");
    }
    long channels = x.size(1);
    Tensor gamma = scale(c, channels);
    Tensor beta = shift(c, channels);
    double epsilon = c.attributes().number("eps", EPSILON);
    return x.map(
        v ->
            c.graph()
                .nn()
                .batchNorm(
                    v,
                    c.graph().constant(mean),
                    c.graph().constant(variance),
                    gamma.variable(),
                    beta.variable(),
                    epsilon,
                    1));
  }

  /** Without statistics of its own it normalises each channel of each sample. */
  private static Tensor instanceNorm(ModuleContext c) {
    if (c.buffer("running_mean") != null) {
      return batchNorm(c);
    }
    Tensor x = c.input();
    Tensor normalised = normalised(x, c, x.axesFrom(2));
    return c.hasParameter("weight") ? perChannel(normalised, c) : normalised;
  }

  private static Tensor groupNorm(ModuleContext c) {
    Tensor x = c.input();
    long groups = c.attributes().integer("num_groups");
    Tensor grouped = x.reshape(x.size(0), groups, -1);
    Tensor normalised = normalised(grouped, c, 2).reshape(x.shape());
    return c.hasParameter("weight") ? perChannel(normalised, c) : normalised;
  }

  private static Tensor layerNorm(ModuleContext c) {
    Tensor result = normalised(c.input(), c, lastAxes(c));
    result = c.hasParameter("weight") ? result.times(c.parameter("weight")) : result;
    return c.hasParameter("bias") ? result.plus(c.parameter("bias")) : result;
  }

  private static Tensor rmsNorm(ModuleContext c) {
    Tensor x = c.input();
    Tensor square = x.times(x).mean(true, lastAxes(c));
    double epsilon = c.attributes().number("eps", Math.ulp(1.0));
    Tensor result = x.over(root(square.plus(epsilon)));
    return c.hasParameter("weight") ? result.times(c.parameter("weight")) : result;
  }

  private static int[] lastAxes(ModuleContext c) {
    int rank = c.input().rank();
    int count = c.attributes().integers("normalized_shape").orElse(new long[1]).length;
    return IntStream.range(rank - count, rank).toArray();
  }

  /** (x - mean) / sqrt(variance + epsilon), both over some axes of each sample. */
  private static Tensor normalised(Tensor x, ModuleContext c, int... axes) {
    Tensor centred = x.minus(x.mean(true, axes));
    Tensor variance = centred.times(centred).mean(true, axes);
    return centred.over(root(variance.plus(c.attributes().number("eps", EPSILON))));
  }

  private static Tensor root(Tensor x) {
    return x.map(v -> v.getSameDiff().math().sqrt(v));
  }

  private static Tensor perChannel(Tensor x, ModuleContext c) {
    long[] shape = new long[x.rank()];
    Arrays.fill(shape, 1);
    shape[1] = x.size(1);
    return x.times(c.parameter("weight").reshape(shape)).plus(c.parameter("bias").reshape(shape));
  }

  private static Tensor scale(ModuleContext c, long channels) {
    return c.hasParameter("weight")
        ? c.parameter("weight")
        : c.input().constant(Nd4j.ones(DataType.DOUBLE, channels));
  }

  private static Tensor shift(ModuleContext c, long channels) {
    return c.hasParameter("bias")
        ? c.parameter("bias")
        : c.input().constant(Nd4j.zeros(DataType.DOUBLE, channels));
  }
}
