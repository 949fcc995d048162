package org.backpack4j.samediff.extension;

import java.util.List;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.ParameterVjp;
import org.backpack4j.samediff.spi.Tensor;

/**
 * A quantity to compute beside the gradient, for each parameter. Settings are given to the
 * constructor; an extension has no state.
 */
public interface Extension {
  /**
   * The name of the quantity: a parameter's output is called {@code <parameter>.<field>}.
   *
   * @return the field, as BackPACK names it
   */
  String field();

  /**
   * Which columns the quantity is made of.
   *
   * @return the columns
   */
  Columns columns();

  /**
   * Whether the quantity is a sum over the columns: that of all columns is the sum of those of any
   * groups of them. Then many columns are worked through in groups, where memory is scarce.
   *
   * @return true if it is; false unless the extension says so
   */
  default boolean additive() {
    return false;
  }

  /**
   * Computes the quantity of one parameter.
   *
   * @param emit where ops are inserted
   * @param contributions what the columns contribute to the parameter: one for each place where
   *     columns start (a loss, say), already added up over the parameter's uses
   * @return the quantity
   */
  Tensor compute(Emitter emit, List<ParameterVjp> contributions);
}
