package org.backpack4j.samediff.privacy;

import java.util.Arrays;
import org.apache.commons.math3.analysis.integration.gauss.GaussIntegrator;
import org.apache.commons.math3.analysis.integration.gauss.GaussIntegratorFactory;

/**
 * Points and weights of an integral over outcomes of a sampled Gaussian: Gauss-Legendre's, 16 on
 * each panel. A panel is no wider than σ, the scale of the densities, and than half its distance
 * from where the privacy loss turns from constant to linear, within σ².
 */
final class Nodes {
  private static final GaussIntegrator RULE = new GaussIntegratorFactory().legendre(16);

  private double[] points = new double[1024];
  private double[] weights = new double[1024];
  private int size;

  private Nodes() {}

  static Nodes between(SampledGaussian mechanism, double from, double to) {
    Nodes nodes = new Nodes();
    double q = mechanism.q();
    double sigma = mechanism.sigma();
    double turn = q == 1 ? 0.5 : 0.5 + sigma * sigma * Math.log((1 - q) / q);
    double middle = Math.min(Math.max(turn, from), to);
    nodes.outwards(middle, to, turn, sigma);
    nodes.outwards(middle, from, turn, sigma);
    return nodes;
  }

  private void outwards(double from, double to, double turn, double sigma) {
    double sign = Math.signum(to - from);
    double edge = from;
    while (sign * (to - edge) > 0) {
      double width = Math.min(sigma, 0.5 * Math.max(sigma * sigma, Math.abs(edge - turn)));
      double next = sign * (to - edge) <= width ? to : edge + sign * width;
      panel(Math.min(edge, next), Math.max(edge, next));
      edge = next;
    }
  }

  private void panel(double from, double to) {
    int n = RULE.getNumberOfPoints();
    if (size + n > points.length) {
      points = Arrays.copyOf(points, 2 * points.length);
      weights = Arrays.copyOf(weights, 2 * weights.length);
    }
    double half = 0.5 * (to - from);
    for (int i = 0; i < n; i++) {
      points[size] = 0.5 * (from + to) + half * RULE.getPoint(i);
      weights[size++] = half * RULE.getWeight(i);
    }
  }

  int size() {
    return size;
  }

  double x(int i) {
    return points[i];
  }

  double weight(int i) {
    return weights[i];
  }
}
