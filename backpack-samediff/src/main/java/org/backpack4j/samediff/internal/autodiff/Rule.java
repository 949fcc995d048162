package org.backpack4j.samediff.internal.autodiff;

import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import org.backpack4j.samediff.internal.contribution.Dense;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.spi.ParameterVjp;
import org.backpack4j.samediff.spi.Tensor;
import org.backpack4j.samediff.spi.UnsupportedOpException;
import org.backpack4j.samediff.spi.View;
import org.jspecify.annotations.Nullable;

/**
 * What the library knows of a kind of op: where its results have their sample axis, how cotangents
 * pass it backwards and tangents forwards, what it contributes to parameters that it reads, and its
 * own curvature. A rule has no state; one instance serves every node.
 */
public interface Rule {
  /**
   * Where an output has its sample axis, and whether the op lets samples influence each other.
   *
   * @param context the node; only shapes and the inputs' batchAxes are known yet
   * @param output which output
   * @return the batchAxis
   * @throws UnsupportedOpException if that cannot be told
   */
  BatchAxis batchAxis(NodeContext context, int output);

  /**
   * Whether the rule covers a node as it is configured. Asked before anything is inserted.
   *
   * @param context the node
   * @throws UnsupportedOpException with the reason, if not
   */
  default void check(NodeContext context) {}

  /**
   * Whether cotangents pass from an output to an input at all. Indices, shapes and labels have no
   * derivative.
   *
   * @param context the node
   * @param input which input
   * @return false for an input that has no derivative
   */
  default boolean differentiable(NodeContext context, int input) {
    return true;
  }

  /**
   * Whether {@link #vjp} also passes the gradient where the op lets samples influence each other.
   *
   * @return true if the transposed Jacobian stays right there
   */
  default boolean vjpHandlesCoupling() {
    return false;
  }

  /**
   * Whether {@link #vjp} makes of some samples what it makes of them among all, also where the op
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
   * @param context the node
   * @param input which input
   * @return false if it is the sum over the samples, for the gradient alone
   */
  default boolean keepsSamplesSeparate(NodeContext context, int input) {
    return true;
  }

  /**
   * Applies the transposed Jacobian.
   *
   * @param context the node
   * @param input with respect to which input
   * @param output of which output
   * @param cotangent the cotangent at that output, [N, V, F…] or, where the output has no sample
   *     axis, maybe [1, V, F…]
   * @return the cotangent at the input, [N, V, F…]; for an input without a sample axis F is its
   *     whole shape
   */
  Tensor vjp(NodeContext context, int input, int output, Tensor cotangent);

  /**
   * Whether cotangents at several outputs are passed in one step, by {@link #vjpOfOutputs}: for ops
   * that cut their input into many parts, each of which would be filled up to the whole otherwise.
   *
   * @param context the node
   * @return true if {@link #vjpOfOutputs} may be asked
   */
  default boolean hasJointVjp(NodeContext context) {
    return false;
  }

  /**
   * Applies the transposed Jacobian to cotangents of one source at several outputs.
   *
   * @param context the node
   * @param input with respect to which input
   * @param cotangents the cotangents [N, V, F…], by output
   * @return the cotangent at the input, [N, V, F…]
   */
  default Tensor vjpOfOutputs(
      NodeContext context, int input, SortedMap<Integer, Tensor> cotangents) {
    throw new UnsupportedOperationException(context.node().toString());
  }

  /**
   * Applies the Jacobian: how an output changes when an input does.
   *
   * @param context the node
   * @param input with respect to which input, one that has a derivative
   * @param output of which output
   * @param tangent V directions at the input, [N, V, F…]; [1, V, F…], the same for all samples, for
   *     an input without a sample axis
   * @return what they are at the output, [N, V, F…], F the whole of one sample's part; [1, V, F…]
   *     where it is the same for all samples, and for an output without a sample axis
   * @throws UnsupportedOpException with the reason, if it is not known; {@link #checkJvp} throws
   *     the same before anything is inserted
   */
  default Tensor jvp(NodeContext context, int input, int output, Tensor tangent) {
    throw new UnsupportedOpException(
        "tangents do not pass " + context.node().op(), "write it with other ops");
  }

  /**
   * Applies the Jacobian to tangents at several inputs, and adds up.
   *
   * @param context the node
   * @param output of which output
   * @param tangents the tangents by input, at least one
   * @return the tangent at the output, as {@link #jvp} has it
   */
  default Tensor jvpOfInputs(NodeContext context, int output, SortedMap<Integer, Tensor> tangents) {
    return tangents.entrySet().stream()
        .map(t -> jvp(context, t.getKey(), output, t.getValue()))
        .reduce(context.emit()::add)
        .orElseThrow();
  }

  /**
   * Whether {@link #jvp} covers a node that {@link #check} lets pass. Asked before anything is
   * inserted.
   *
   * @param context the node
   * @throws UnsupportedOpException with the reason, if not
   */
  default void checkJvp(NodeContext context) {}

  /**
   * What a cotangent contributes to an input without a sample axis, such as a weight.
   *
   * @param context the node
   * @param input which input
   * @param output at which output the cotangent is
   * @param cotangent the cotangent
   * @return the contribution
   */
  default ParameterVjp contribution(
      NodeContext context, int input, int output, Cotangent cotangent) {
    return new Dense(
        context.emit(), vjp(context, input, output, cotangent.value()), cotangent.signs());
  }

  /**
   * For an op that only rearranges its first input: how to undo it.
   *
   * @param context the node
   * @return the view; null for other ops
   */
  default @Nullable View view(NodeContext context) {
    return null;
  }

  /**
   * For an op that only rearranges the entries of its inputs: how to undo it for one of them.
   *
   * @param context the node
   * @param input which input
   * @param output which output
   * @return the view; null for other ops, and where an entry is in the output more than once
   */
  default @Nullable View view(NodeContext context, int input, int output) {
    return input == 0 ? view(context) : null;
  }

  /**
   * Whether the op is linear in some of its inputs taken together, the others fixed.
   *
   * @param context the node
   * @param active the inputs that vary
   * @return true if the second derivative with respect to them is zero (for a piecewise linear op:
   *     where it exists)
   */
  default boolean hasZeroHessian(NodeContext context, Set<Integer> active) {
    return false;
  }

  /**
   * Two inputs in each of which the op is linear, so that its mixed second derivative is the VJP
   * with a tangent in the place of the other input's value.
   *
   * @param context the node
   * @return the two, if all others that may vary are added alone; else none
   */
  default List<Integer> bilinear(NodeContext context) {
    return List.of();
  }

  /**
   * The node with a tangent in the place of one of its {@link #bilinear} inputs, for the VJP to the
   * other.
   *
   * @param context the node
   * @param input which input
   * @param tangent [N, F…], or [1, F…] at an input without a sample axis
   * @return the node; what is added to the input alone must be zero there
   */
  default NodeContext along(NodeContext context, int input, Tensor tangent) {
    return context.with(input, tangent);
  }

  /**
   * Whether the op is a reduction over the samples to which each adds a term of its own, so that
   * its second derivative keeps samples apart.
   *
   * @param context the node
   * @return true for a sum of squares over all samples, say
   */
  default boolean addsSamplesUp(NodeContext context) {
    return false;
  }

  /**
   * The op's own second derivative with respect to some of its inputs, where it is not {@link
   * #hasZeroHessian}.
   *
   * @param context the node
   * @param output of which output
   * @param gradient the gradient's cotangent there, [N, 1, F…]
   * @param active the inputs that vary
   * @return groups of signed columns
   * @throws UnsupportedOpException if it is not known; this is asked before anything is inserted,
   *     by {@link #checkHessianRoot}
   */
  default List<HessianRoot> hessianRoot(
      NodeContext context, int output, Tensor gradient, Set<Integer> active) {
    throw new UnsupportedOperationException("no curvature of " + context.node());
  }

  /**
   * Whether {@link #hessianRoot} covers a node. Asked before anything is inserted.
   *
   * @param context the node
   * @param active the inputs that vary
   * @throws UnsupportedOpException with the reason, if not
   */
  default void checkHessianRoot(NodeContext context, Set<Integer> active) {
    throw new UnsupportedOpException(
        "the second derivative of " + context.node().op() + " is not known",
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
