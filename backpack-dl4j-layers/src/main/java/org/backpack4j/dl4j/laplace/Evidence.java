package org.backpack4j.dl4j.laplace;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.backpack4j.samediff.curvature.Curvature;
import org.backpack4j.samediff.curvature.DampedCurvature;
import org.backpack4j.samediff.curvature.ParameterLayout;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The marginal likelihood as a function of the prior's precisions, one for each group of
 * parameters, and of a regression's noise:
 *
 * <pre>ln p(D | θ) − ½ (ln det P − ln det Λ + θᵀ Λ θ), P = H / σ² + Λ</pre>
 *
 * <p>It is maximised by MacKay's updates (1992, "Bayesian interpolation"), δ = γ / θᵀθ with γ = D −
 * δ tr P⁻¹, and where one does not raise it by a step of expectation maximisation, δ = D / (θᵀθ +
 * tr P⁻¹), which always does.
 */
final class Evidence {
  private static final int STEPS = 2000;
  private static final double LEAST = 1e-10;
  private static final double LARGEST = 1e12;

  private final Curvature curvature;
  private final Sums sums;
  private final boolean regression;
  private final List<List<String>> groups;
  private final double[] squares;
  private final double[] sizes;

  /** The eigenvalues of each group; empty where a block has parameters of several groups. */
  private final List<double[]> eigenvalues = new ArrayList<>();

  /**
   * A function of precisions.
   *
   * @param curvature H, of the negative log-likelihood at a noise of 1
   * @param groups the parameters that share a precision
   * @param theta θ, in the curvature's layout
   */
  Evidence(
      Curvature curvature,
      Sums sums,
      boolean regression,
      List<List<String>> groups,
      INDArray theta) {
    this.curvature = curvature;
    this.sums = sums;
    this.regression = regression;
    this.groups = groups;
    this.squares = new double[groups.size()];
    this.sizes = new double[groups.size()];
    ParameterLayout layout = curvature.layout();
    Map<String, INDArray> parts = layout.split(theta);
    for (int g = 0; g < groups.size(); g++) {
      for (String p : groups.get(g)) {
        double norm = Objects.requireNonNull(parts.get(p)).norm2Number().doubleValue();
        squares[g] += norm * norm;
        sizes[g] += layout.size(p);
      }
    }
    readEigenvalues();
  }

  private void readEigenvalues() {
    List<Curvature> blocks = curvature.blocks();
    for (List<String> group : groups) {
      double[] all = {};
      for (Curvature block : blocks) {
        List<String> names = block.layout().names();
        if (group.containsAll(names)) {
          double[] own = block.eigenvalues().toDoubleVector();
          int before = all.length;
          all = Arrays.copyOf(all, before + own.length);
          System.arraycopy(own, 0, all, before, own.length);
        } else if (names.stream().anyMatch(group::contains)) {
          eigenvalues.clear();
          return;
        }
      }
      eigenvalues.add(all);
    }
  }

  /**
   * The function at a place.
   *
   * @param value the logarithm of the marginal likelihood
   * @param traces tr P⁻¹ of each group
   */
  record At(double value, double[] traces) {}

  /** Each parameter's precision. */
  Map<String, Double> byParameter(double[] precisions) {
    Map<String, Double> all = new LinkedHashMap<>();
    for (int g = 0; g < groups.size(); g++) {
      for (String p : groups.get(g)) {
        all.put(p, precisions[g]);
      }
    }
    return all;
  }

  At at(double[] precisions, double noise) {
    double logdet = 0;
    double[] traces = new double[groups.size()];
    if (eigenvalues.isEmpty()) {
      DampedCurvature damped = curvature.scaled(1 / noise).damped(byParameter(precisions));
      logdet = damped.logdet();
      Map<String, INDArray> inverse = curvature.layout().split(damped.inverseDiagonal());
      for (int g = 0; g < traces.length; g++) {
        for (String p : groups.get(g)) {
          traces[g] += Objects.requireNonNull(inverse.get(p)).sumNumber().doubleValue();
        }
      }
    } else {
      for (int g = 0; g < traces.length; g++) {
        for (double eigenvalue : eigenvalues.get(g)) {
          double damped = Math.max(0, eigenvalue) / noise + precisions[g];
          logdet += Math.log(damped);
          traces[g] += 1 / damped;
        }
      }
    }
    double value = logLikelihood(sums, regression, noise) - 0.5 * logdet;
    for (int g = 0; g < traces.length; g++) {
      value += 0.5 * (sizes[g] * Math.log(precisions[g]) - precisions[g] * squares[g]);
    }
    return new At(value, traces);
  }

  /** ln p(D | θ). */
  static double logLikelihood(Sums sums, boolean regression, double noise) {
    return regression
        ? -0.5 * sums.squaredError / noise - 0.5 * sums.terms * Math.log(2 * Math.PI * noise)
        : sums.logLikelihood;
  }

  /**
   * A maximum.
   *
   * @param precisions of the groups
   * @param noise σ², 1 of a classifier
   * @param steps how many steps it took
   * @param converged whether the last step was too small to matter
   */
  record Maximum(double[] precisions, double noise, int steps, boolean converged) {}

  /**
   * Climbs to a maximum.
   *
   * @param start the precisions to begin with
   * @param noise the noise to begin with
   * @param withNoise whether the noise is tuned as well
   */
  Maximum maximise(double[] start, double noise, boolean withNoise) {
    double[] delta = start.clone();
    double sigma = noise;
    At here = at(delta, sigma);
    for (int step = 1; step <= STEPS; step++) {
      double gamma = 0;
      double[] mackay = new double[delta.length];
      double[] sure = new double[delta.length];
      for (int g = 0; g < delta.length; g++) {
        double own = Math.max(0, sizes[g] - delta[g] * here.traces()[g]);
        gamma += own;
        mackay[g] = clamp(own / squares[g]);
        sure[g] = clamp(sizes[g] / (squares[g] + here.traces()[g]));
      }
      double mackayNoise = sigma;
      double sureNoise = sigma;
      if (withNoise) {
        double free = sums.terms - gamma;
        mackayNoise = free > 0 ? sums.squaredError / free : sigma;
        sureNoise = (sums.squaredError + sigma * gamma) / sums.terms;
      }
      At there = at(mackay, mackayNoise);
      if (there.value() < here.value()) {
        mackay = sure;
        mackayNoise = sureNoise;
        there = at(mackay, mackayNoise);
      }
      double moved = Math.abs(Math.log(mackayNoise / sigma));
      for (int g = 0; g < delta.length; g++) {
        moved = Math.max(moved, Math.abs(Math.log(mackay[g] / delta[g])));
      }
      delta = mackay;
      sigma = mackayNoise;
      here = there;
      if (moved < 1e-9) {
        return new Maximum(delta, sigma, step, true);
      }
    }
    return new Maximum(delta, sigma, STEPS, false);
  }

  private static double clamp(double precision) {
    return Double.isNaN(precision) ? LARGEST : Math.min(LARGEST, Math.max(LEAST, precision));
  }
}
