package org.backpack4j.samediff.internal.rule;

import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.TreeMap;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.rewrite.Recurrent;
import org.backpack4j.samediff.spi.OpRule;

/** The table of rules, by the name of the op. */
public final class Rules {
  private static final Rule UNKNOWN = new Unknown();
  private static final Map<String, Rule> TABLE = table();

  private Rules() {}

  /**
   * The rule for a kind of op.
   *
   * @param op ND4J's name of the op
   * @return its rule; for an op without one, a rule that refuses
   */
  public static Rule of(String op) {
    return TABLE.getOrDefault(op, UNKNOWN);
  }

  /**
   * The rules that people have registered.
   *
   * @param given those that a call is given, in the place of what a {@link ServiceLoader} finds
   * @return for each op the last rule registered for it
   * @throws IllegalArgumentException if a call is given two rules for an op
   */
  public static Map<String, Rule> registered(List<OpRule> given) {
    Map<String, Rule> rules = new TreeMap<>();
    ServiceLoader.load(OpRule.class)
        .forEach(rule -> rules.put(rule.op(), new RegisteredRule(rule, of(rule.op()))));
    Set<String> ops = new HashSet<>();
    for (OpRule rule : given) {
      if (!ops.add(rule.op())) {
        throw new IllegalArgumentException(
            "Two rules are registered for " + rule.op() + "; an op has one.");
      }
      rules.put(rule.op(), new RegisteredRule(rule, of(rule.op())));
    }
    return rules;
  }

  /**
   * The rule for a node that lets samples influence each other.
   *
   * @param apart its rule where samples are apart
   * @param context the node
   * @return the same rule if it passes that or nothing does, else one for the gradient alone
   */
  public static Rule acrossSamples(Rule apart, NodeContext context) {
    return !apart.vjpHandlesCoupling() && OwnGradients.rightAcrossSamples(context)
        ? new CoupledGradientRule(apart)
        : apart;
  }

  /**
   * The whole table.
   *
   * @return for each op its rule, sorted by name
   */
  public static Map<String, Rule> all() {
    return Collections.unmodifiableMap(TABLE);
  }

  private static Map<String, Rule> table() {
    Map<String, Rule> t = new TreeMap<>();
    Rule reshape = new ReshapeRule();
    Rule permute = new PermuteRule();
    t.put("batchnorm", new BatchNormRule());
    t.put("biasadd", new BiasRule());
    t.put("cross", new CrossRule());
    t.put("cumprod", new CumulativeProductRule());
    t.put("cumsum", new CumulativeSumRule());
    t.put("expand_dims", reshape);
    t.put("flatten_2d", reshape);
    t.put("identity", reshape);
    t.put("log_softmax", new LogSoftmaxRule());
    t.put("matmul", new MatmulRule());
    t.put("matrix_determinant", new MatrixRule(false));
    t.put("matrix_inverse", new MatrixRule(true));
    t.put("moments", new MomentsRule());
    t.put("permute", permute);
    t.put("reduce_mean", new ReduceRule(true));
    t.put("reduce_sum", new ReduceRule(false));
    t.put("reshape", reshape);
    t.put("softmax", new SoftmaxRule());
    t.put("squeeze", reshape);
    t.put("standardize", new StandardizeRule());
    t.put("trace", new TraceRule());
    t.put("transpose", permute);
    Recurrent.OPS.forEach(op -> t.put(op, new RecurrentRule()));
    t.putAll(Functions.table());
    t.putAll(BinaryFunctions.table());
    t.putAll(DistanceRule.table());
    t.putAll(IndexRule.table());
    t.putAll(Movements.table());
    t.putAll(OwnGradients.table());
    t.putAll(ReducedFunctions.table());
    t.putAll(WindowRules.table());
    return t;
  }
}
