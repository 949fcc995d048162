package org.backpack4j.samediff.internal.ir;

import java.util.Set;

/** Ops through which a loss may be scaled, weighted against another and added up. */
public final class AffineOps {
  /** Ops that add their inputs up, or take them from each other. */
  public static final Set<String> SUMS = Set.of("add", "mergeadd", "reversesubtract", "subtract");

  /** Ops of one value, or of one value and factors. */
  public static final Set<String> FACTORS =
      Set.of(
          "add_scalar",
          "cast",
          "div_scalar",
          "divide",
          "expand_dims",
          "identity",
          "mul_scalar",
          "multiply",
          "neg",
          "reduce_mean",
          "reduce_sum",
          "reshape",
          "rsub_scalar",
          "squeeze",
          "sub_scalar");

  private AffineOps() {}

  /**
   * Whether an op is one of them.
   *
   * @param op its name
   * @return true for {@link #SUMS} and {@link #FACTORS}
   */
  public static boolean contains(String op) {
    return SUMS.contains(op) || FACTORS.contains(op);
  }
}
