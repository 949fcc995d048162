package org.backpack4j.samediff.rule;

import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.graph.Dims;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.Tensor;

/**
 * What a reduction y = f(x₁, x₂, …) is differentiated at, in the arrangement of signals at its
 * input: x is [N, 1, F…], y and everything that belongs to one result has ones in place of the axes
 * that were reduced.
 */
record Group(Site site, int output) {
  Emitter e() {
    return site.emit();
  }

  Tensor x() {
    return site.value(0);
  }

  Tensor y() {
    return Reductions.result(site, output);
  }

  /** Σᵢ vᵢ for each result. */
  Tensor total(Tensor values) {
    return Reductions.totals(site, values);
  }

  /** 1 / (number of xᵢ − less). */
  Tensor inverseCount(int less) {
    return Reductions.inverseCount(site, x().rank(), less);
  }

  /** xᵢ less their mean. */
  Tensor centred() {
    return e().sub(x(), e().mul(total(x()), inverseCount(0)));
  }

  /** a / b, zero where b is zero. */
  Tensor ratio(Tensor a, Tensor b) {
    Tensor zero = e().literal(0, b.type(), ones(b.rank()));
    Tensor isZero = e().equal(b, zero, b.type());
    Tensor quotient = e().div(a, e().add(b, isZero));
    return e().mul(quotient, e().minus(1, isZero));
  }

  /** A one that stands for any value of x's shape. */
  Tensor one() {
    return e().literal(1, site.type(0), ones(x().rank()));
  }

  private static Dims ones(int rank) {
    long[] ones = new long[rank];
    java.util.Arrays.fill(ones, 1);
    return Dims.of(ones);
  }
}
