package org.backpack4j.samediff.internal.loss;

import java.util.List;
import java.util.Set;
import org.backpack4j.samediff.internal.autodiff.HessianRoot;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.backpack4j.samediff.spi.UnsupportedOpException;

/**
 * {@code softmax_cross_entropy_loss}: {@link Softmax} over the last axis, weighted and reduced;
 * labels smoothed as (1 − s) y + s/K. K is the extent of the labels' axis 1, as M2.1 has it: the
 * number of classes for labels [N, C], the number of time steps for [N, T, C].
 */
public final class SoftmaxCrossEntropy extends ReducedLoss {
  /** The rule of {@code softmax_cross_entropy_loss}. */
  public SoftmaxCrossEntropy() {}

  @Override
  Dims terms(NodeContext context) {
    Dims dims = context.dims(0);
    return dims.range(0, dims.rank() - 1);
  }

  private static double smoothing(NodeContext context) {
    return context.node().tArg(0, 0);
  }

  @Override
  public void check(NodeContext context) {
    super.check(context);
    if (smoothing(context) != 0 && context.dims(2).get(1).samples()) {
      throw new UnsupportedOpException(
          "M2.1 divides the label smoothing by the extent of axis 1, which is the sample axis",
          "let the samples be on axis 0");
    }
  }

  private static Softmax softmax(NodeContext context) {
    Emitter e = context.emit();
    double smoothing = smoothing(context);
    Tensor y = e.cast(context.value(2), context.type(0));
    if (smoothing != 0) {
      y = e.plus(e.scale(y, 1 - smoothing), smoothing / context.dims(2).get(1).size());
    }
    return new Softmax(e, context.value(0), y);
  }

  @Override
  Tensor toPredictions(NodeContext context, Tensor c) {
    return context.emit().reshape(c, c.dims().plus(Dim.ONE));
  }

  @Override
  Tensor values(NodeContext context) {
    return softmax(context).value();
  }

  @Override
  Tensor derivative(NodeContext context, int input) {
    return input == 0
        ? softmax(context).gradient()
        : context.emit().scale(softmax(context).surprise(), 1 - smoothing(context));
  }

  @Override
  public List<HessianRoot> hessianRoot(
      NodeContext context, int output, Tensor above, Set<Integer> active) {
    return HessianRoot.all(0, softmax(context).columns(scale(context, above)));
  }

  @Override
  public List<HessianRoot> sampled(NodeContext context, Tensor above, Tensor noise, int columns) {
    return HessianRoot.all(0, softmax(context).sampled(scale(context, above), noise, columns));
  }

  @Override
  public long draws(NodeContext context) {
    Dims part = context.perSample(0);
    return part.range(0, part.rank() - 1).product().size();
  }

  @Override
  public String name() {
    return "softmax cross-entropy";
  }
}
