package org.backpack4j.samediff.internal.loss;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.backpack4j.samediff.internal.autodiff.BatchAxes;
import org.backpack4j.samediff.internal.autodiff.HessianRoot;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.SignedRoot;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.backpack4j.samediff.spi.UnsupportedOpException;

/**
 * {@code softmax_cross_entropy_loss_with_logits}: {@link Softmax} over any axis of logits and
 * labels, which is gone in the result.
 */
final class UnreducedSoftmaxCrossEntropy implements LossRule {
  private static final int LABELS = 1;

  private static int classes(NodeContext context) {
    int rank = context.dims(0).rank();
    int axis = (int) context.node().iArg(0, rank - 1);
    return axis < 0 ? axis + rank : axis;
  }

  @Override
  public BatchAxis batchAxis(NodeContext context, int output) {
    BatchAxis place = context.batchAxis(0);
    if (!place.hasSamples()) {
      return BatchAxes.withoutAxis(context);
    }
    if (place.axis() == classes(context)) {
      return BatchAxis.reduced("the samples are on the class axis");
    }
    int axis = place.axis() > classes(context) ? place.axis() - 1 : place.axis();
    BatchAxis here = BatchAxis.samples(axis, place.outer(), place.inner());
    BatchAxis labels = context.batchAxis(LABELS);
    return !labels.hasSamples() || labels.equals(place)
        ? here
        : here.coupling("the loss compares logits with labels of others");
  }

  /** The classes' axis in [N, V, F…]. */
  private static int axis(NodeContext context) {
    return 2 + context.batchAxis(0).perSampleAxis(classes(context));
  }

  private static Tensor classesLast(NodeContext context, Tensor t) {
    int axis = axis(context);
    int last = t.rank() - 1;
    return context
        .emit()
        .permute(
            t,
            IntStream.rangeClosed(0, last)
                .map(k -> k < axis ? k : k == last ? axis : k + 1)
                .toArray());
  }

  private static Tensor classesBack(NodeContext context, Tensor t) {
    int axis = axis(context);
    int last = t.rank() - 1;
    return context
        .emit()
        .permute(
            t,
            IntStream.rangeClosed(0, last)
                .map(k -> k < axis ? k : k == axis ? last : k - 1)
                .toArray());
  }

  private static Softmax softmax(NodeContext context) {
    Emitter e = context.emit();
    Tensor y = e.cast(context.value(LABELS), context.type(0));
    return new Softmax(e, classesLast(context, context.value(0)), classesLast(context, y));
  }

  private static Tensor rows(NodeContext context, Tensor above) {
    return context.emit().reshape(above, above.dims().plus(Dim.ONE));
  }

  @Override
  public boolean differentiable(NodeContext context, int input) {
    return context.type(input).isFPType();
  }

  @Override
  public Tensor vjp(NodeContext context, int input, int output, Tensor above) {
    Softmax softmax = softmax(context);
    Tensor derivative = input == 0 ? softmax.gradient() : softmax.surprise();
    return classesBack(context, context.emit().mul(derivative, rows(context, above)));
  }

  @Override
  public Tensor jvp(NodeContext context, int input, int output, Tensor tangent) {
    Emitter e = context.emit();
    Softmax softmax = softmax(context);
    Tensor derivative = input == 0 ? softmax.gradient() : softmax.surprise();
    Tensor product = e.mul(classesLast(context, tangent), derivative);
    return e.sum(product, product.rank() - 1, product.rank());
  }

  @Override
  public void checkHessianRoot(NodeContext context, Set<Integer> active) {
    if (active.contains(LABELS)) {
      throw new UnsupportedOpException(
          "the labels of the loss depend on a parameter", "make them constant");
    }
  }

  @Override
  public List<HessianRoot> hessianRoot(
      NodeContext context, int output, Tensor above, Set<Integer> active) {
    return back(context, softmax(context).columns(rows(context, above)));
  }

  private static List<HessianRoot> back(NodeContext context, List<SignedRoot> groups) {
    return groups.stream()
        .map(
            c ->
                new HessianRoot(
                    Map.of(0, c.columns().then(t -> classesBack(context, t))), c.signs()))
        .toList();
  }

  @Override
  public List<HessianRoot> sampled(NodeContext context, Tensor above, Tensor noise, int columns) {
    return back(context, softmax(context).sampled(rows(context, above), noise, columns));
  }

  @Override
  public long draws(NodeContext context) {
    return context.outputPerSample(0).product().size();
  }

  @Override
  public String name() {
    return "softmax cross-entropy";
  }
}
