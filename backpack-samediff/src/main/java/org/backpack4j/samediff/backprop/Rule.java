package org.backpack4j.samediff.backprop;

import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import org.backpack4j.samediff.contribution.Contribution;
import org.backpack4j.samediff.contribution.Given;
import org.backpack4j.samediff.contribution.View;
import org.backpack4j.samediff.graph.Placement;
import org.backpack4j.samediff.graph.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * What the library knows of a kind of op: where its results have their sample axis, how signals
 * pass it, what it contributes to parameters that it reads, and its own curvature. A rule has no
 * state; one instance serves every node.
 */
public interface Rule {
  /**
   * Where an output has its sample axis, and whether the op lets samples influence each other.
   *
   * @param site the node; only shapes and the inputs' placements are known yet
   * @param output which output
   * @return the placement
   * @throws Refused if that cannot be told
   */
  Placement place(Site site, int output);

  /**
   * Whether the rule covers a node as it is configured. Asked before anything is inserted.
   *
   * @param site the node
   * @throws Refused with the reason, if not
   */
  default void check(Site site) {}

  /**
   * Whether signals pass from an output to an input at all. Indices, shapes and labels have no
   * derivative.
   *
   * @param site the node
   * @param input which input
   * @return false for an input that has no derivative
   */
  default boolean differentiable(Site site, int input) {
    return true;
  }

  /**
   * Whether {@link #pull} also passes the gradient where the op lets samples influence each other.
   *
   * @return true if the transposed Jacobian stays right there
   */
  default boolean passesMixing() {
    return false;
  }

  /**
   * Whether {@link #pull} makes of some samples what it makes of them among all, also where the op
   * runs over the sample axis, so that a few samples at a time can be worked through.
   *
   * @return true for a sum over the samples, which gives back the same to each
   */
  default boolean pullsSampleBySample() {
    return false;
  }

  /**
   * Whether what {@link #contribution} answers for an input without a sample axis keeps samples and
   * columns apart.
   *
   * @param site the node
   * @param input which input
   * @return false if it is the sum over the samples, for the gradient alone
   */
  default boolean keepsSamplesApart(Site site, int input) {
    return true;
  }

  /**
   * Applies the transposed Jacobian.
   *
   * @param site the node
   * @param input with respect to which input
   * @param output of which output
   * @param signal the signal at that output, [N, V, F…] or, where the output has no sample axis,
   *     maybe [1, V, F…]
   * @return the signal at the input, [N, V, F…]; for an input without a sample axis F is its whole
   *     shape
   */
  Tensor pull(Site site, int input, int output, Tensor signal);

  /**
   * Whether signals at several outputs are passed in one step, by {@link #pullTogether}: for ops
   * that cut their input into many parts, each of which would be filled up to the whole otherwise.
   *
   * @param site the node
   * @return true if {@link #pullTogether} may be asked
   */
  default boolean pullsTogether(Site site) {
    return false;
  }

  /**
   * Applies the transposed Jacobian to signals of one source at several outputs.
   *
   * @param site the node
   * @param input with respect to which input
   * @param signals the signals [N, V, F…], by output
   * @return the signal at the input, [N, V, F…]
   */
  default Tensor pullTogether(Site site, int input, SortedMap<Integer, Tensor> signals) {
    throw new UnsupportedOperationException(site.node().toString());
  }

  /**
   * What a signal contributes to an input without a sample axis, such as a weight.
   *
   * @param site the node
   * @param input which input
   * @param output at which output the signal is
   * @param signal the signal
   * @return the contribution
   */
  default Contribution contribution(Site site, int input, int output, Signal signal) {
    return new Given(site.emit(), pull(site, input, output, signal.value()), signal.signs());
  }

  /**
   * For an op that only rearranges its first input: how to undo it.
   *
   * @param site the node
   * @return the view; null for other ops
   */
  default @Nullable View view(Site site) {
    return null;
  }

  /**
   * For an op that only rearranges the entries of its inputs: how to undo it for one of them.
   *
   * @param site the node
   * @param input which input
   * @param output which output
   * @return the view; null for other ops, and where an entry is in the output more than once
   */
  default @Nullable View view(Site site, int input, int output) {
    return input == 0 ? view(site) : null;
  }

  /**
   * Whether the op is linear in some of its inputs taken together, the others fixed.
   *
   * @param site the node
   * @param active the inputs that vary
   * @return true if the second derivative with respect to them is zero (for a piecewise linear op:
   *     where it exists)
   */
  default boolean linear(Site site, Set<Integer> active) {
    return false;
  }

  /**
   * Whether the op is a reduction over the samples to which each adds a term of its own, so that
   * its second derivative keeps samples apart.
   *
   * @param site the node
   * @return true for a sum of squares over all samples, say
   */
  default boolean addsSamplesUp(Site site) {
    return false;
  }

  /**
   * The op's own second derivative with respect to some of its inputs, where it is not {@link
   * #linear}.
   *
   * @param site the node
   * @param output of which output
   * @param gradient the gradient's signal there, [N, 1, F…]
   * @param active the inputs that vary
   * @return groups of signed columns
   * @throws Refused if it is not known; this is asked before anything is inserted, by {@link
   *     #checkCurvature}
   */
  default List<Curvature> curvature(Site site, int output, Tensor gradient, Set<Integer> active) {
    throw new UnsupportedOperationException("no curvature of " + site.node());
  }

  /**
   * Whether {@link #curvature} covers a node. Asked before anything is inserted.
   *
   * @param site the node
   * @param active the inputs that vary
   * @throws Refused with the reason, if not
   */
  default void checkCurvature(Site site, Set<Integer> active) {
    throw new Refused(
        "the second derivative of " + site.node().op() + " is not known",
        "write the loss with one of SameDiff's loss ops, or of elementwise functions, sums,"
            + " products and softmax");
  }

  /**
   * What the rule is called in the graph's table.
   *
   * @return a short name
   */
  default String name() {
    return getClass().getSimpleName();
  }
}
