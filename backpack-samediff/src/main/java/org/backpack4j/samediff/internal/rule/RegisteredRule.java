package org.backpack4j.samediff.internal.rule;

import java.util.List;
import java.util.Set;
import org.backpack4j.samediff.internal.autodiff.HessianRoot;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.autodiff.SignedRoot;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.OpRule;
import org.backpack4j.samediff.spi.OpRule.SecondDerivative;
import org.backpack4j.samediff.spi.Tensor;
import org.backpack4j.samediff.spi.UnsupportedOpException;

/** A rule that a person has registered. */
final class RegisteredRule implements Rule {
  private final OpRule rule;
  private final Rule library;

  /** A rule, and the library's for the same op, which may be the one that refuses. */
  RegisteredRule(OpRule rule, Rule library) {
    this.rule = rule;
    this.library = library;
  }

  /** The library knows which of the ops it has rules for let samples influence each other. */
  @Override
  public BatchAxis batchAxis(NodeContext context, int output) {
    return library.batchAxis(context, output);
  }

  @Override
  public void check(NodeContext context) {
    rule.check(context);
  }

  @Override
  public boolean differentiable(NodeContext context, int input) {
    return rule.differentiable(context, input);
  }

  @Override
  public Tensor vjp(NodeContext context, int input, int output, Tensor cotangent) {
    return rule.vjp(context, input, output, cotangent);
  }

  @Override
  public Tensor jvp(NodeContext context, int input, int output, Tensor tangent) {
    return rule.jvp(context, input, output, tangent);
  }

  @Override
  public boolean hasZeroHessian(NodeContext context, Set<Integer> active) {
    return rule.secondDerivative(context) == SecondDerivative.ZERO;
  }

  @Override
  public void checkHessianRoot(NodeContext context, Set<Integer> active) {
    if (rule.secondDerivative(context) != SecondDerivative.DIAGONAL || !active.equals(Set.of(0))) {
      throw new UnsupportedOpException(
          "the rule registered for " + rule.op() + " tells no second derivative there",
          "let OpRule.secondDerivative tell it, or ask for quantities of the generalised"
              + " Gauss-Newton matrix");
    }
  }

  @Override
  public List<HessianRoot> hessianRoot(
      NodeContext context, int output, Tensor gradient, Set<Integer> active) {
    Emitter e = context.emit();
    Tensor d = e.mul(gradient, rule.diagonal(context, output));
    return List.of(HessianRoot.at(0, SignedRoot.diagonal(e, d)));
  }

  @Override
  public String name() {
    return rule.getClass().getSimpleName();
  }
}
