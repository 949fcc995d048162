package org.backpack4j.samediff.extension;

import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.ParameterVjp;
import org.backpack4j.samediff.spi.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A quantity to compute beside the gradient, for each parameter. Settings are given to the
 * constructor; an extension has no state. One that is {@link java.io.Serializable}, as those of
 * this library are but for {@link ClippedGrad}, can be sent to other machines.
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
   * Whether the quantity is made of columns that have the sign + only. Where the second derivative
   * is not known to be positive, so that columns have signs, it is refused.
   *
   * @return true if it cannot take signs into account; false unless the extension says so
   */
  default boolean unsigned() {
    return false;
  }

  /**
   * How results of batches make that of all their samples together, for data sets that do not fit
   * into one batch.
   *
   * @param result the name of one of the {@link #results}, empty where there is one
   * @return how they are combined; unless the extension says so, they are not
   */
  default Combination combination(String result) {
    return Combination.none(
        getClass().getSimpleName()
            + " does not say how results of batches are combined: override combination(…)");
  }

  /**
   * Whether the quantity reads placeholders beside those of the graph, as products with vectors do.
   * A listener, which feeds what the training is fed, cannot have it.
   *
   * @return true if it does
   */
  default boolean readsPlaceholders() {
    return switch (columns().kind()) {
      case COTANGENTS, WEIGHTED -> true;
      default -> columns().kind().ofVectors();
    };
  }

  /**
   * Whether the quantity is one of the predictions, so that no parameter has one.
   *
   * @return true if it is; false unless the extension says so
   */
  default boolean ofPredictions() {
    return false;
  }

  /**
   * Computes the quantity of one parameter. Implement this, or {@link #results} where there are
   * several.
   *
   * @param emit where ops are inserted
   * @param contributions what the columns contribute to the parameter: one for each place where
   *     columns start (a loss, say), already added up over the parameter's uses. If the quantity is
   *     not {@link #additive}, there is one for every such place, in the same order for every
   *     parameter, zero where its columns do not reach the parameter
   * @return the quantity
   */
  default Tensor compute(Emitter emit, List<ParameterVjp> contributions) {
    throw new UnsupportedOperationException(field() + " has no single result");
  }

  /**
   * Computes the results of one parameter: that of {@link #compute} by default.
   *
   * @param emit where ops are inserted
   * @param contributions what the columns contribute to the parameter
   * @return the results
   */
  default List<Result> results(Emitter emit, List<ParameterVjp> contributions) {
    return List.of(new Result("", compute(emit, contributions), true));
  }

  /**
   * Computes the results of one parameter, for an extension that reads placeholders of its own
   * ({@link Emitter#placeholder}): the parameter's name tells them apart.
   *
   * @param emit where ops are inserted
   * @param parameter the parameter's name
   * @param contributions what the columns contribute to the parameter
   * @return the results
   */
  default List<Result> results(Emitter emit, String parameter, List<ParameterVjp> contributions) {
    return results(emit, contributions);
  }

  /**
   * Computes results of all parameters together, such as a Gram matrix of all of their columns:
   * outputs {@code <field>}, or {@code <field>.<name>}. None by default.
   *
   * @param emit where ops are inserted
   * @param contributions for each parameter what the columns contribute to it, in the order of the
   *     parameters
   * @return the results
   */
  default List<Result> together(Emitter emit, Map<String, List<ParameterVjp>> contributions) {
    return List.of();
  }

  /**
   * Whether the quantity weighs samples by what all parameters have of each, in the scale of the
   * sample's own loss, and so depends on each sample by itself alone. Then {@link
   * #ofOwnLosses(Emitter, Map, Tensor)} computes it, and graphs in which samples influence each
   * other, or whose losses are no sums over samples, are refused.
   *
   * @return true if it does; false unless the extension says so
   */
  default boolean ofOwnLosses() {
    return false;
  }

  /**
   * Computes the results of every parameter at once, for an extension that is {@link
   * #ofOwnLosses()}.
   *
   * @param emit where ops are inserted
   * @param contributions for each parameter what the columns contribute to it, in the order of the
   *     parameters
   * @param divisor what the losses divide the sum over the samples by, such as their number for a
   *     mean: [1], in double precision. The gradient of a sample's own loss is its row of the
   *     contributions times this number
   * @return for each parameter its results; under the empty name those of all together
   */
  default Map<String, List<Result>> ofOwnLosses(
      Emitter emit, Map<String, List<ParameterVjp>> contributions, Tensor divisor) {
    return Map.of();
  }

  /**
   * One result for a parameter: the output {@code <parameter>.<field>}, or {@code
   * <parameter>.<field>.<name>} where it has a name of its own.
   *
   * @param name its name, such as {@code B}; empty where there is one result
   * @param value the result
   * @param summed whether results of several groups of columns are added up; of others, which do
   *     not depend on the columns, the first is taken
   * @param outputAxes of a Kronecker factor of a weight's outputs, which of the weight's axes are
   *     its rows; null of other results
   */
  record Result(String name, Tensor value, boolean summed, @Nullable List<Integer> outputAxes) {
    /**
     * A result.
     *
     * @param name its name, empty where there is one result
     * @param value the result
     * @param summed whether results of several groups of columns are added up
     * @param outputAxes of a Kronecker factor of outputs the weight's axes that are its rows; null
     *     of other results
     */
    public Result {
      outputAxes = outputAxes == null ? null : List.copyOf(outputAxes);
    }

    /**
     * A result that is no Kronecker factor of outputs.
     *
     * @param name its name, empty where there is one result
     * @param value the result
     * @param summed whether results of several groups of columns are added up
     */
    public Result(String name, Tensor value, boolean summed) {
      this(name, value, summed, null);
    }
  }
}
