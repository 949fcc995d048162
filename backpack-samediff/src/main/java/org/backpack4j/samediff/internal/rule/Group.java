package org.backpack4j.samediff.internal.rule;

import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;

/**
 * What a reduction y = f(x₁, x₂, …) is differentiated at, in the arrangement of cotangents at its
 * input: x is [N, 1, F…], y and everything that belongs to one result has ones in place of the axes
 * that were reduced.
 */
record Group(NodeContext context, int output) {
  Emitter e() {
    return context.emit();
  }

  Tensor x() {
    return context.value(0);
  }

  Tensor y() {
    return Reductions.result(context, output);
  }

  /** Σᵢ vᵢ for each result. */
  Tensor total(Tensor values) {
    return Reductions.totals(context, values);
  }

  /** 1 / (number of xᵢ − less). */
  Tensor inverseCount(int less) {
    return Reductions.inverseCount(context, x().rank(), less);
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
    return e().literal(1, context.type(0), ones(x().rank()));
  }

  private static Dims ones(int rank) {
    long[] ones = new long[rank];
    java.util.Arrays.fill(ones, 1);
    return Dims.of(ones);
  }
}
