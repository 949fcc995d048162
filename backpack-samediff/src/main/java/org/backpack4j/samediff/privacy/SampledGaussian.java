package org.backpack4j.samediff.privacy;

/**
 * Steps of the sampled Gaussian mechanism: with a sample that is drawn with probability q, a step
 * gives x from P = (1 − q) N(0, σ²) + q N(1, σ²), without it x from Q = N(0, σ²).
 *
 * <p>The privacy loss of x is ln P(x)/Q(x) = ln(1 − q + q e^s), s = (x − ½) / σ²; it grows with x.
 *
 * @param q the sampling rate, above 0 and at most 1
 * @param sigma the noise multiplier σ
 * @param steps how many such steps
 */
record SampledGaussian(double q, double sigma, long steps) {
  /** Beyond so many standard deviations there is less than 1e-50. */
  static final double TAIL = 15;

  /** With one sample, or without it. */
  enum Measure {
    P,
    Q
  }

  /** The privacy loss at x. */
  double loss(double x) {
    double s = (x - 0.5) / (sigma * sigma);
    if (q == 1) {
      return s;
    }
    if (s > 30) {
      return s + Math.log(q) + Math.log1p((1 - q) / q * Math.exp(-s));
    }
    return s < -0.7 ? Math.log(1 - q + q * Math.exp(s)) : Math.log1p(q * Math.expm1(s));
  }

  /** P(x)/Q(x) − 1, precise where that is small. */
  double excess(double x) {
    return q * Math.expm1((x - 0.5) / (sigma * sigma));
  }

  /** The x whose privacy loss is t, −∞ where every loss is above. */
  double point(double t) {
    return sigma * sigma * scaledPoint(t) + 0.5;
  }

  private double scaledPoint(double t) {
    if (q == 1) {
      return t;
    }
    if (t > 30) {
      return t - Math.log(q) + Math.log1p((q - 1) * Math.exp(-t));
    }
    if (t < -0.7) {
      double rest = Math.exp(t) - (1 - q);
      return rest <= 0 ? Double.NEGATIVE_INFINITY : Math.log(rest / q);
    }
    double rest = Math.expm1(t) / q;
    return rest <= -1 ? Double.NEGATIVE_INFINITY : Math.log1p(rest);
  }

  /** The probability of an outcome above x. */
  double above(Measure measure, double x) {
    double without = NormalTail.above(x / sigma);
    return measure == Measure.Q
        ? without
        : q * NormalTail.above((x - 1) / sigma) + (1 - q) * without;
  }

  /** The probability of an outcome below x. */
  double below(Measure measure, double x) {
    double without = NormalTail.above(-x / sigma);
    return measure == Measure.Q
        ? without
        : q * NormalTail.above((1 - x) / sigma) + (1 - q) * without;
  }

  /** The density at x. */
  double density(Measure measure, double x) {
    double without = gauss(x);
    return measure == Measure.Q ? without : q * gauss(x - 1) + (1 - q) * without;
  }

  private double gauss(double x) {
    double z = x / sigma;
    return Math.exp(-0.5 * z * z) / (Math.sqrt(2 * Math.PI) * sigma);
  }

  /** The integral of the privacy loss over the outcomes between two. */
  double meanLoss(Measure measure, double from, double to) {
    double sum = 0;
    Nodes nodes =
        Nodes.between(this, Math.max(from, -TAIL * sigma), Math.min(to, 1 + TAIL * sigma));
    for (int i = 0; i < nodes.size(); i++) {
      double x = nodes.x(i);
      sum += nodes.weight(i) * density(measure, x) * loss(x);
    }
    return sum;
  }

  /**
   * The Rényi divergence of P from Q of an order α > 1, ln E_Q[(P/Q)^α] / (α − 1), of one step. It
   * is the larger of the two directions (Mironov, Talwar and Zhang, 2019, Theorem 5).
   *
   * <p>With r = P/Q and E_Q[r] = 1 the expectation is 1 + E_Q[r^α − 1 − α(r − 1)], an integral of
   * what is nowhere negative: it has as many digits where it is 1e-20 as where it is 1. Where r^α
   * overflows, the logarithm of the sum of exponentials is taken instead.
   */
  double renyi(double less) {
    double order = 1 + less;
    if (q == 1) {
      return order / (2 * sigma * sigma);
    }
    Nodes nodes = Nodes.between(this, -TAIL * sigma, order + TAIL * sigma);
    double[] logs = new double[nodes.size()];
    double[] weights = new double[nodes.size()];
    double most = Double.NEGATIVE_INFINITY;
    double norm = Math.log(Math.sqrt(2 * Math.PI) * sigma);
    for (int i = 0; i < logs.length; i++) {
      double z = nodes.x(i) / sigma;
      logs[i] = loss(nodes.x(i));
      weights[i] = Math.log(nodes.weight(i)) - 0.5 * z * z - norm;
      most = Math.max(most, order * logs[i] + weights[i]);
    }
    double sum = 0;
    if (most > 600) {
      for (int i = 0; i < logs.length; i++) {
        sum += Math.exp(order * logs[i] + weights[i] - most);
      }
      return (Math.log(sum) + most) / less;
    }
    for (int i = 0; i < logs.length; i++) {
      sum += bregman(less, excess(nodes.x(i)), logs[i], weights[i]);
    }
    return Math.log1p(sum) / less;
  }

  /** (r^α − 1 − α(r − 1)) e^w for r = 1 + u = e^l and α = 1 + b. */
  private static double bregman(double b, double u, double l, double w) {
    double order = 1 + b;
    if (Math.abs(u) * order < 0.01) {
      double series = 1;
      for (int k = 10; k > 2; k--) {
        series = 1 + (order - k + 1) * u / k * series;
      }
      return 0.5 * order * b * u * u * series * Math.exp(w);
    }
    double r = Math.exp(l + w);
    double one = Math.exp(w);
    return Math.abs(b * l) < 1
        ? r * Math.expm1(b * l) - b * (r - one)
        : Math.exp(order * l + w) - order * r + b * one;
  }
}
