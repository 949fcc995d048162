package org.backpack4j.dl4j.laplace;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.BiConsumer;
import org.backpack4j.dl4j.internal.trained.OutputLoss;
import org.backpack4j.samediff.curvature.ParameterLayout;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.ops.transforms.Transforms;

/**
 * Probabilities of predictions with variances.
 *
 * @param vectors draws of parameters [S, D] for sampled logits; null for other links
 */
record Predictor(
    Variances variances,
    OutputLoss.Kind kind,
    Link link,
    ParameterLayout layout,
    @Nullable INDArray vectors) {

  Predictor {
    if (link == Link.BRIDGE && kind == OutputLoss.Kind.SIGMOID) {
      throw new IllegalArgumentException(
          "The Laplace bridge is of a softmax: take Link.PROBIT or Link.SAMPLED for sigmoids.");
    }
  }

  /**
   * A part of a batch.
   *
   * @param probabilities [R, C]; null of a regression
   */
  record Rows(Variances.Part part, @Nullable INDArray probabilities) {
    /** The predictions' shape for all samples. */
    long[] shape(long samples) {
      long[] shape = part.shape().clone();
      shape[0] = shape[0] / part.samples() * samples;
      return shape;
    }
  }

  /** Hands each part of a batch on with its probabilities. */
  void each(MultiDataSet batch, BiConsumer<Variances.Part, @Nullable INDArray> taker) {
    if (kind == OutputLoss.Kind.SQUARED) {
      variances.each(
          batch,
          Variances.Detail.NONE,
          part -> {
            taker.accept(part, null);
          });
    } else if (link == Link.SAMPLED) {
      sampled(batch, taker);
    } else {
      boolean bridge = link == Link.BRIDGE;
      variances.each(
          batch,
          bridge ? Variances.Detail.ROW_SUMS : Variances.Detail.NONE,
          part -> {
            INDArray f = part.means();
            taker.accept(
                part,
                bridge
                    ? Links.bridge(f, part.variances(), Objects.requireNonNull(part.more()))
                    : part.likelihood().loss().probabilities(Links.probit(f, part.variances())));
          });
    }
  }

  private void sampled(MultiDataSet batch, BiConsumer<Variances.Part, @Nullable INDArray> taker) {
    INDArray all = Objects.requireNonNull(vectors);
    Map<Variances.Part, INDArray> sums = new java.util.IdentityHashMap<>();
    Map<Integer, Variances.Part> order = new LinkedHashMap<>();
    variances.eachDraw(
        batch,
        layout,
        all,
        (part, logits) -> {
          INDArray p = part.likelihood().loss().probabilities(logits);
          INDArray sum = sums.get(part);
          if (sum == null) {
            order.put(order.size(), part);
            sums.put(part, p);
          } else {
            sum.addi(p);
          }
        });
    order
        .values()
        .forEach(
            part -> taker.accept(part, Objects.requireNonNull(sums.get(part)).div(all.size(0))));
  }

  /** The negative log-likelihood of a batch with labels. */
  double negativeLog(MultiDataSet batch, double noise) {
    double[] sum = new double[1];
    each(
        batch,
        (part, p) -> {
          Likelihood.Observed seen = part.likelihood().observe(part.values());
          sum[0] +=
              p != null
                  ? part.likelihood().negativeLog(p, seen.labels(), seen.weights())
                  : normal(part, seen, noise);
        });
    return sum[0];
  }

  /** −ln N(y; f, v + σ²), summed. */
  private static double normal(Variances.Part part, Likelihood.Observed seen, double noise) {
    INDArray variances = part.variances().add(noise);
    INDArray off = seen.labels().sub(seen.predictions());
    INDArray terms =
        off.muli(off).divi(variances).addi(Transforms.log(variances.mul(2 * Math.PI), false));
    return 0.5 * terms.muli(seen.weights()).sumNumber().doubleValue();
  }
}
