package org.backpack4j.dl4j.explain;

/** How the integral along the path of integrated gradients is made a sum. */
public enum Quadrature {
  /**
   * Gauss and Legendre's nodes: exact for polynomials of degree 2 n − 1, best for smooth scores.
   */
  GAUSS_LEGENDRE {
    @Override
    Rule rule(int points) {
      double[] nodes = new double[points];
      double[] weights = new double[points];
      for (int k = 0; k < points; k++) {
        double x = Math.cos(Math.PI * (k + 0.75) / (points + 0.5));
        double slope = 0;
        for (int step = 0; step < NEWTON_STEPS; step++) {
          double before = 1; // P₀
          double value = x; // P₁
          for (int n = 2; n <= points; n++) {
            double next = ((2 * n - 1) * x * value - (n - 1) * before) / n;
            before = value;
            value = next;
          }
          slope = points * (x * value - before) / (x * x - 1);
          x -= value / slope;
        }
        nodes[k] = (1 - x) / 2; // the roots come from 1 down
        weights[k] = 1 / ((1 - x * x) * slope * slope);
      }
      return new Rule(nodes, weights);
    }
  },

  /** Equal distances, both ends included with half the weight. At least two points. */
  TRAPEZOID {
    @Override
    Rule rule(int points) {
      if (points < 2) {
        throw new IllegalArgumentException(
            "The trapezoidal rule has both ends: at least 2 points, not " + points + ".");
      }
      double[] nodes = new double[points];
      double[] weights = new double[points];
      for (int k = 0; k < points; k++) {
        boolean end = k == 0 || k == points - 1;
        nodes[k] = (double) k / (points - 1);
        weights[k] = (end ? 0.5 : 1) / (points - 1);
      }
      return new Rule(nodes, weights);
    }
  };

  /** Newton's method begins so near that it is at the last bit long before. */
  private static final int NEWTON_STEPS = 10;

  /** Points in [0, 1] and their weights, which add up to 1. */
  record Rule(double[] nodes, double[] weights) {}

  abstract Rule rule(int points);
}
