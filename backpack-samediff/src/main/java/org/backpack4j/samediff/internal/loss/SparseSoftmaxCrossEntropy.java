package org.backpack4j.samediff.internal.loss;

import java.util.List;
import java.util.Set;
import org.backpack4j.samediff.internal.autodiff.BatchAxes;
import org.backpack4j.samediff.internal.autodiff.HessianRoot;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;

/**
 * {@code sparse_softmax_cross_entropy_loss_with_logits}: {@link Softmax} over the last axis of the
 * logits [N, …, C], the second input, for labels that are numbers of classes [N, …], the first; one
 * result for each label.
 */
final class SparseSoftmaxCrossEntropy implements LossRule {
  private static final int LABELS = 0;
  private static final int LOGITS = 1;

  @Override
  public Set<Integer> predictions() {
    return Set.of(LOGITS);
  }

  @Override
  public BatchAxis batchAxis(NodeContext context, int output) {
    BatchAxis place = context.batchAxis(LOGITS);
    if (!place.hasSamples()) {
      return BatchAxes.withoutAxis(context);
    }
    if (place.axis() == context.dims(LOGITS).rank() - 1) {
      return BatchAxis.reduced("the samples are on the class axis");
    }
    BatchAxis labels = context.batchAxis(LABELS);
    BatchAxis here = BatchAxis.samples(place.axis(), place.outer(), place.inner());
    return !labels.hasSamples() || labels.equals(here)
        ? here
        : here.coupling("the loss compares logits with labels of others");
  }

  @Override
  public boolean differentiable(NodeContext context, int input) {
    return input == LOGITS;
  }

  private static Softmax softmax(NodeContext context) {
    Emitter e = context.emit();
    Tensor z = context.value(LOGITS);
    Tensor labels = context.value(LABELS);
    long classes = z.dims().get(-1).size();
    Tensor hot = e.oneHot(labels, classes, z.type());
    return new Softmax(e, z, hot);
  }

  /** What comes from above as a weight of each row of classes. */
  private static Tensor rows(NodeContext context, Tensor above) {
    return context.emit().reshape(above, above.dims().plus(Dim.ONE));
  }

  @Override
  public Tensor vjp(NodeContext context, int input, int output, Tensor above) {
    return context.emit().mul(softmax(context).gradient(), rows(context, above));
  }

  @Override
  public Tensor jvp(NodeContext context, int input, int output, Tensor tangent) {
    Emitter e = context.emit();
    Tensor product = e.mul(tangent, softmax(context).gradient());
    return e.sum(product, product.rank() - 1, product.rank());
  }

  @Override
  public void checkHessianRoot(NodeContext context, Set<Integer> active) {}

  @Override
  public List<HessianRoot> hessianRoot(
      NodeContext context, int output, Tensor above, Set<Integer> active) {
    return HessianRoot.all(LOGITS, softmax(context).columns(rows(context, above)));
  }

  @Override
  public List<HessianRoot> sampled(NodeContext context, Tensor above, Tensor noise, int columns) {
    return HessianRoot.all(LOGITS, softmax(context).sampled(rows(context, above), noise, columns));
  }

  @Override
  public long draws(NodeContext context) {
    return context.outputPerSample(0).product().size();
  }

  @Override
  public String name() {
    return "sparse softmax cross-entropy";
  }
}
