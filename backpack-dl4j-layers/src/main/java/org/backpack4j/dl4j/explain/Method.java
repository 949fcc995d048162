package org.backpack4j.dl4j.explain;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** How the entries of a point's value share a score. */
interface Method {
  /**
   * Shares of a score.
   *
   * @param shares for each point its shares [N, F…] in double precision
   * @param scores f(x) [N]
   * @param baseline f of the baseline [N]; null if the method has none
   */
  record Shares(Map<String, INDArray> shares, double[] scores, double @Nullable [] baseline) {}

  /** A batch of values with the weights that make a score of each sample. */
  record Asked(
      ExplainedGraph graph,
      Map<String, INDArray> feeds,
      Map<String, INDArray> values,
      INDArray weights) {
    ExplainedGraph.Slopes at(Map<String, INDArray> point) {
      return graph.slopes(feeds, point, weights);
    }
  }

  /** Computes the shares. */
  Shares of(Asked asked);

  /** Whether shares add up to a difference of scores. */
  default boolean isComplete() {
    return false;
  }

  private static INDArray doubles(INDArray array) {
    return array.castTo(DataType.DOUBLE).dup('c');
  }

  private static Map<String, INDArray> doubles(Map<String, INDArray> arrays) {
    Map<String, INDArray> all = new LinkedHashMap<>();
    arrays.forEach((name, a) -> all.put(name, doubles(a)));
    return all;
  }

  /** ∂f/∂x, or that times x. */
  record Gradients(boolean timesInput) implements Method {
    @Override
    public Shares of(Asked asked) {
      ExplainedGraph.Slopes slopes = asked.at(asked.values());
      Map<String, INDArray> shares = doubles(slopes.gradients());
      if (timesInput) {
        shares.forEach((name, share) -> share.muli(doubles(value(asked.values(), name))));
      }
      return new Shares(shares, slopes.scores(), null);
    }
  }

  /**
   * The mean of ∂f/∂x at x + σ ε, ε ~ N(0, 1), each sample's numbers by its place in the batch.
   *
   * @param draws how many
   * @param sigma σ
   * @param seed the seed
   */
  record SmoothGrad(int draws, double sigma, long seed) implements Method {
    @Override
    public Shares of(Asked asked) {
      Map<String, INDArray> sums = new LinkedHashMap<>();
      for (int draw = 0; draw < draws; draw++) {
        Map<String, INDArray> noisy = new LinkedHashMap<>();
        int point = 0;
        for (Map.Entry<String, INDArray> value : asked.values().entrySet()) {
          noisy.put(value.getKey(), noisy(value.getValue(), draw, point++));
        }
        asked
            .at(noisy)
            .gradients()
            .forEach((name, g) -> sums.merge(name, doubles(g), INDArray::addi));
      }
      sums.values().forEach(s -> s.divi(draws));
      return new Shares(sums, asked.at(asked.values()).scores(), null);
    }

    private INDArray noisy(INDArray value, int draw, int point) {
      int samples = Math.toIntExact(value.size(0));
      int length = Math.toIntExact(value.length() / samples);
      double[] noise = new double[samples * length];
      for (int n = 0; n < samples; n++) {
        SplittableRandom random = generator(draw, point, n);
        for (int k = 0; k < length; k++) {
          noise[n * length + k] = sigma * random.nextGaussian();
        }
      }
      return doubles(value).addi(Nd4j.create(noise, value.shape(), 'c')).castTo(value.dataType());
    }

    /** The order of batches makes no difference, and neither does the number of draws. */
    private SplittableRandom generator(int draw, int point, int sample) {
      long mixed = new SplittableRandom(seed ^ ((long) draw << 32 | sample)).nextLong();
      return new SplittableRandom(mixed + point);
    }
  }

  /**
   * (x − x₀) ∘ ∫₀¹ ∂f/∂x (x₀ + t (x − x₀)) dt (Sundararajan et al., 2017).
   *
   * @param points how many points of the path
   * @param rule where they are
   * @param baselines x₀
   */
  record IntegratedGradients(int points, Quadrature rule, Baselines baselines) implements Method {
    @Override
    public boolean isComplete() {
      return true;
    }

    @Override
    public Shares of(Asked asked) {
      Map<String, INDArray> from = doubles(baselines.of(asked.values()));
      Map<String, INDArray> way = doubles(asked.values());
      way.forEach((name, w) -> w.subi(value(from, name)));
      Map<String, INDArray> sums = new LinkedHashMap<>();
      Quadrature.Rule nodes = rule.rule(points);
      for (int k = 0; k < points; k++) {
        double weight = nodes.weights()[k];
        asked
            .at(between(asked.values(), from, way, nodes.nodes()[k]))
            .gradients()
            .forEach((name, g) -> sums.merge(name, doubles(g).muli(weight), INDArray::addi));
      }
      sums.forEach((name, s) -> s.muli(value(way, name)));
      return new Shares(
          sums,
          asked.at(asked.values()).scores(),
          asked.at(between(asked.values(), from, way, 0)).scores());
    }

    private static Map<String, INDArray> between(
        Map<String, INDArray> like,
        Map<String, INDArray> from,
        Map<String, INDArray> way,
        double t) {
      Map<String, INDArray> at = new LinkedHashMap<>();
      like.forEach(
          (name, l) ->
              at.put(name, value(way, name).mul(t).addi(value(from, name)).castTo(l.dataType())));
      return at;
    }
  }

  private static INDArray value(Map<String, INDArray> arrays, String name) {
    return Objects.requireNonNull(arrays.get(name));
  }

  /**
   * Where the paths of integrated gradients begin.
   *
   * @param number the value of all entries
   * @param arrays for each point an array of one sample's shape or of all samples'; none for the
   *     number
   */
  record Baselines(double number, List<INDArray> arrays) {
    Map<String, INDArray> of(Map<String, INDArray> values) {
      if (!arrays.isEmpty() && arrays.size() != values.size()) {
        throw new IllegalArgumentException(
            "There are %d baselines for %s: one is needed for each."
                .formatted(arrays.size(), values.keySet()));
      }
      Map<String, INDArray> all = new LinkedHashMap<>();
      values.forEach(
          (name, value) ->
              all.put(
                  name,
                  arrays.isEmpty()
                      ? Nd4j.valueArrayOf(value.shape(), number, value.dataType())
                      : fit(name, arrays.get(all.size()), value)));
      return all;
    }

    private static INDArray fit(String name, INDArray baseline, INDArray value) {
      long[] one = value.shape().clone();
      one[0] = 1;
      if (Arrays.equals(baseline.shape(), value.shape())) {
        return baseline;
      }
      if (baseline.length() == value.length() / value.size(0)
          && (Arrays.equals(baseline.shape(), one)
              || Arrays.equals(
                  baseline.shape(), Arrays.copyOfRange(value.shape(), 1, value.rank())))) {
        return baseline.dup('c').reshape('c', one).broadcast(value.shape());
      }
      throw new IllegalArgumentException(
          "The baseline of \"%s\" has the shape %s; expected %s, or that of one sample."
              .formatted(name, Arrays.toString(baseline.shape()), Arrays.toString(value.shape())));
    }
  }
}
