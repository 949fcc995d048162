package org.backpack4j.samediff.spi;

import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * A value in the graph under extension, with what is known of it beforehand.
 *
 * @param variable the variable that holds it
 * @param dims its shape
 * @param type its data type
 * @param fromSamples whether it depends on the samples, and not on parameters and constants alone
 * @param nonNegative whether no entry can be negative
 * @param literal its value where it is a known scalar, else null
 */
public record Tensor(
    SDVariable variable,
    Dims dims,
    DataType type,
    boolean fromSamples,
    boolean nonNegative,
    @Nullable Double literal) {

  /**
   * The name of the variable.
   *
   * @return the name, also after a renaming
   */
  public String name() {
    return variable.name();
  }

  /**
   * The same value, known to have no negative entry.
   *
   * @return the value
   */
  public Tensor knownNonNegative() {
    return nonNegative ? this : new Tensor(variable, dims, type, fromSamples, true, literal);
  }

  /**
   * The number of axes.
   *
   * @return the rank
   */
  public int rank() {
    return dims.rank();
  }

  @Override
  public String toString() {
    return name() + dims;
  }
}
