package org.backpack4j.samediff.check;

/** A function of one real variable with several components. */
@FunctionalInterface
interface Curve {
  /** The components at {@code t}, always equally many. */
  double[] at(double t);
}
