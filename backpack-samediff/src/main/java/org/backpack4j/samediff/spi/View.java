package org.backpack4j.samediff.spi;

/**
 * How a parameter's entries are arranged before an op reads them: a permutation or reshape between
 * the parameter and the op. A view is undone on values that carry more axes in front.
 */
@FunctionalInterface
public interface View {
  /**
   * Arranges the entries as the parameter has them.
   *
   * @param value the value, its trailing axes as the op reads the parameter
   * @param leading how many axes stand in front of them
   * @return the value with its trailing axes as the parameter has them
   */
  Tensor undo(Tensor value, int leading);

  /**
   * Whether this view and another show different entries of the parameter.
   *
   * @param other the other view of the same parameter
   * @return true if no entry is known to be in both; false if that is not known
   */
  default boolean apartFrom(View other) {
    return false;
  }
}
