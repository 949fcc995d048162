package org.backpack4j.samediff.internal.loss;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import org.backpack4j.samediff.internal.autodiff.HessianRoot;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.SignedRoot;
import org.backpack4j.samediff.internal.ir.Likelihoods;
import org.backpack4j.samediff.internal.ir.Node;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;

/**
 * A softmax or sigmoid and the logarithms of its answer p as one function of what goes into it, z:
 * the Hessian of a loss that is linear in these logarithms in closed form, and draws of labels.
 *
 * <p>With δ the derivative of the loss with respect to a logarithm, log softmax(z) has −Σδ (diag p
 * − ppᵀ), log σ(z) and log(1 − σ(z)) have −δ p(1 − p). {@code log_loss} of σ(z), c(−y log(p + ε) −
 * (1 − y) log(1 − p + ε)), has c y (1 − p) r (p − s (1 − p)) with r = p/(p + ε) and s = ε/(p + ε),
 * and the same of 1 − p and 1 − y; its labels are drawn as if ε were 0.
 */
public final class LogLikelihood {
  private final NodeContext context;
  private final boolean softmax;
  private final List<String> logarithms;
  private final @Nullable NodeContext logLoss;

  private LogLikelihood(
      NodeContext context,
      boolean softmax,
      List<String> logarithms,
      @Nullable NodeContext logLoss) {
    this.context = context;
    this.softmax = softmax;
    this.logarithms = logarithms;
    this.logLoss = logLoss;
  }

  /**
   * What is known of a function and its logarithms.
   *
   * @param likelihood the function
   * @param at a node of the graph as rules see it, by its own name
   * @return the closed form; null if there is none, since what the function answers is changed
   *     before the logarithms are taken, say
   */
  public static @Nullable LogLikelihood of(
      Likelihoods.Likelihood likelihood, Function<String, NodeContext> at) {
    NodeContext context = at.apply(likelihood.function().getName());
    if (!likelihood.sole()) {
      return null;
    }
    List<NodeContext> ends =
        likelihood.logarithms().stream().map(op -> at.apply(op.getName())).toList();
    boolean logs = ends.stream().allMatch(s -> s.node().op().equals("log"));
    Set<SameDiffOp> between = likelihood.between();
    if (context.node().op().equals("softmax")) {
      boolean last = axis(context) == context.dims(0).rank() - 1;
      boolean apart =
          !context.batchAxis(0).hasSamples() || context.batchAxis(0).axis() != axis(context);
      return logs && last && apart && between.stream().allMatch(Likelihoods::laysOut)
          ? new LogLikelihood(context, true, List.of(), null)
          : null;
    }
    if (logs && between.stream().allMatch(Likelihoods::complements)) {
      List<String> names = ends.stream().map(s -> s.node().outputs().get(0)).toList();
      return new LogLikelihood(context, false, names, null);
    }
    return ends.size() == 1 && between.isEmpty()
        ? new LogLikelihood(context, false, List.of(), ends.get(0))
        : null;
  }

  private static int axis(NodeContext softmax) {
    long axis = softmax.node().iArg(0, -1);
    return Math.toIntExact(axis < 0 ? axis + softmax.dims(0).rank() : axis);
  }

  /**
   * The function's node.
   *
   * @return the node at whose input the columns are
   */
  public Node node() {
    return context.node();
  }

  /**
   * The Hessian.
   *
   * @param gradient the gradient's cotangent at a variable [N, 1, F…]; null where none arrives
   * @return columns at the function's input
   */
  public List<HessianRoot> hessianRoot(Function<String, @Nullable Tensor> gradient) {
    Emitter e = context.emit();
    Tensor z = context.value(0);
    if (softmax) {
      Tensor p = SoftmaxFactor.softmax(e, z);
      return p.dims().get(-1).isOne()
          ? List.of()
          : HessianRoot.all(0, List.of(SoftmaxFactor.columns(e, p, mass(p, gradient))));
    }
    Tensor p = Losses.sigmoid(e, z);
    Tensor q = Losses.sigmoid(e, e.scale(z, -1));
    Tensor d =
        logLoss == null
            ? e.mul(e.mul(p, q), weight(gradient))
            : e.mul(shifted(logLoss, p, q), scale(logLoss, gradient));
    Tensor full = e.broadcast(d, d.dims().range(0, 2).plus(context.perSample(0)));
    return HessianRoot.all(0, List.of(SignedRoot.diagonal(e, full)));
  }

  /** The second derivative of the terms of {@code log_loss} with respect to z. */
  private static Tensor shifted(NodeContext loss, Tensor p, Tensor q) {
    Emitter e = loss.emit();
    Tensor y = e.cast(loss.value(2), loss.type(0));
    double epsilon = loss.node().tArg(0, 0);
    return e.add(e.mul(y, half(e, p, q, epsilon)), e.mul(e.minus(1, y), half(e, q, p, epsilon)));
  }

  /** Of −log(p + ε): q r (p − s q), with q = 1 − p. */
  private static Tensor half(Emitter e, Tensor p, Tensor q, double epsilon) {
    if (epsilon == 0) {
      return e.mul(p, q);
    }
    Tensor shifted = e.plus(p, epsilon);
    Tensor r = e.div(p, shifted);
    Tensor s = e.div(e.scale(e.plus(e.scale(p, 0), 1), epsilon), shifted);
    return e.mul(e.mul(q, r), e.sub(p, e.mul(s, q)));
  }

  /**
   * Sampled columns, whose outer products have the Hessian as their mean.
   *
   * @param gradient the gradient's cotangent at a variable [N, 1, F…]; null where none arrives
   * @param noise uniform numbers [N, M·E], with E as {@link #draws} has it
   * @param columns M
   * @return columns at the function's input
   */
  public List<HessianRoot> sampled(
      Function<String, @Nullable Tensor> gradient, Tensor noise, int columns) {
    Emitter e = context.emit();
    Tensor z = context.value(0);
    Dims lead = Dims.of(Dim.N, Dim.of(columns));
    if (softmax) {
      Tensor p = SoftmaxFactor.softmax(e, z);
      Dims terms = p.dims().range(2, p.rank() - 1);
      Tensor u = e.reshape(noise, lead.plus(terms).plus(Dim.ONE));
      Tensor drawn = e.sub(p, SoftmaxFactor.draw(e, p, u));
      return HessianRoot.all(
          0, SoftmaxFactor.weighted(e, drawn, e.scale(mass(p, gradient), 1.0 / columns)));
    }
    Tensor p = Losses.sigmoid(e, z);
    Tensor u = e.reshape(noise, lead.plus(context.perSample(0)));
    Tensor drawn = e.sub(p, e.less(e.sub(u, p), 0));
    Tensor w = logLoss == null ? weight(gradient) : scale(logLoss, gradient);
    return HessianRoot.all(0, SoftmaxFactor.weighted(e, drawn, e.scale(w, 1.0 / columns)));
  }

  /**
   * How many random numbers a sampled column takes for each sample.
   *
   * @return E
   */
  public long draws() {
    Dims part = context.perSample(0);
    return (softmax ? part.range(0, part.rank() - 1) : part).product().size();
  }

  /** −Σδ over the classes, [N, 1, E…, 1]: Σ g p with g the gradient at p, since δ = g p. */
  private Tensor mass(Tensor p, Function<String, @Nullable Tensor> gradient) {
    Emitter e = context.emit();
    Tensor g = Objects.requireNonNull(gradient.apply(context.node().outputs().get(0)));
    Tensor sum = e.sum(e.mul(g, p), p.rank() - 1, p.rank());
    return e.scale(e.reshape(sum, sum.dims().plus(Dim.ONE)), -1);
  }

  /** −Σδ over the logarithms of one probability, [N, 1, F…]. */
  private Tensor weight(Function<String, @Nullable Tensor> gradient) {
    List<Tensor> all = new ArrayList<>();
    for (String logarithm : logarithms) {
      Tensor delta = gradient.apply(logarithm);
      if (delta != null) {
        all.add(delta);
      }
    }
    Emitter e = context.emit();
    return e.scale(all.stream().reduce(e::add).orElseThrow(), -1);
  }

  private static Tensor scale(NodeContext loss, Function<String, @Nullable Tensor> gradient) {
    Tensor above = Objects.requireNonNull(gradient.apply(loss.node().outputs().get(0)));
    return ((ReducedLoss) Objects.requireNonNull(Losses.table().get("log_loss")))
        .scale(loss, above);
  }
}
