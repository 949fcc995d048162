package org.backpack4j.dl4j.internal.convert;

import org.backpack4j.dl4j.Scale;
import org.backpack4j.dl4j.spi.ConversionException;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.backpack4j.dl4j.spi.LossContext;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.loss.LossReduce;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.activations.impl.ActivationIdentity;
import org.nd4j.linalg.activations.impl.ActivationSigmoid;
import org.nd4j.linalg.activations.impl.ActivationSoftmax;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * What the converter of a loss function sees: rows of labels and of values before and after the
 * output layer's activation function, each [N·R, C] with R rows for a sample. Labels have M columns
 * where they are not one for each value.
 */
final class LossConversion implements LossContext {
  private final NodeConversion context;
  private final Scale scale;
  private final IActivation activation;
  private final LayerOutput preOutput;
  private final SDVariable labels;
  private final @Nullable LayerOutput mask;
  private final long rowsPerSample;

  LossConversion(
      NodeConversion context,
      Scale scale,
      IActivation activation,
      LayerOutput preOutput,
      SDVariable labels,
      @Nullable LayerOutput mask,
      long rowsPerSample) {
    this.context = context;
    this.scale = scale;
    this.activation = activation;
    this.preOutput = preOutput;
    this.labels = labels;
    this.mask = mask;
    this.rowsPerSample = rowsPerSample;
  }

  @Override
  public SameDiff sd() {
    return context.sd();
  }

  @Override
  public IActivation activation() {
    return activation;
  }

  @Override
  public SDVariable labels() {
    return labels;
  }

  @Override
  public SDVariable preOutput() {
    return preOutput.variable();
  }

  @Override
  public SDVariable output() {
    return context.activate(activation, preOutput).shaped();
  }

  @Override
  public @Nullable LossContext ofSoftmax() {
    return context.kind(activation) == ActivationSoftmax.class ? this : inFrontOf(true);
  }

  @Override
  public @Nullable LossContext ofSigmoid() {
    return context.kind(activation) == ActivationSigmoid.class ? this : inFrontOf(false);
  }

  private @Nullable LossContext inFrontOf(boolean softmax) {
    Probabilities found =
        context.kind(activation) == ActivationIdentity.class
            ? context.probabilities(preOutput())
            : null;
    if (found == null) {
      return null;
    }
    String name = found.function().opName();
    if (found.softmax() != softmax || !context.alongRows(found)) {
      context.note(
          "second-order quantities start behind the "
              + name
              + " that it reads, at the probabilities, not in front of it: "
              + (found.softmax() != softmax
                  ? "its loss is no likelihood of that function's"
                  : "it is not one of each row")
              + ". The curvature is another there: where the loss is the logarithm of one"
              + " probability, the exact diagonal is the sum of the squared gradients.");
      return null;
    }
    if (context.othersRead(found)) {
      context.note(
          "second-order quantities of its loss start in front of the "
              + name
              + " that it reads, though other layers read that as well; those of other losses pass"
              + " through it.");
    }
    IActivation function = softmax ? new ActivationSoftmax() : new ActivationSigmoid();
    LayerOutput logits = preOutput.with(found.argument());
    return new LossConversion(context, scale, function, logits, labels, mask, rowsPerSample);
  }

  @Override
  public LossContext withMaskedLabels() {
    return !masksValues() || mask == null
        ? this
        : new LossConversion(
            context,
            scale,
            activation,
            preOutput,
            labels.mul(mask.variable()),
            null,
            rowsPerSample);
  }

  @Override
  public long columns() {
    return preOutput.size(1);
  }

  @Override
  public SDVariable constant(INDArray array) {
    return context.constant(array);
  }

  @Override
  public void byRow(Op op, SDVariable labels, SDVariable predictions) {
    SDVariable weights = mask == null ? null : sd().reshape(mask.variable(), -1);
    if (weights == null || scale == Scale.SUM) {
      emit(op, labels, predictions, weights, 1, rowsPerSample);
      return;
    }
    // M2.1 refuses weights of rows where terms are not added up
    SDVariable sum = op.emit(sd(), name() + "_sum", labels, predictions, weights, LossReduce.SUM);
    SDVariable rows = sd().sizeAt(predictions, 0).castTo(predictions.dataType());
    context.addLoss(sum.mul((double) rowsPerSample).div(name(), rows), predictions, false);
  }

  @Override
  public void byValue(
      Op op, SDVariable labels, SDVariable predictions, double factor, @Nullable INDArray weights) {
    emit(op, labels, predictions, weights(factor, weights), factor, rowsPerSample * columns());
  }

  /** Factors that are not the same for all terms; null if all are. */
  private @Nullable SDVariable weights(double factor, @Nullable INDArray weights) {
    SDVariable columns =
        weights == null ? null : constant(weights.reshape(1, weights.length()).mul(factor));
    if (mask == null) {
      return columns;
    }
    SDVariable rows = mask.variable();
    return columns != null ? rows.mul(columns) : factor == 1 ? rows : rows.mul(factor);
  }

  private void emit(
      Op op,
      SDVariable labels,
      SDVariable predictions,
      @Nullable SDVariable weights,
      double factor,
      long termsPerSample) {
    SDVariable loss;
    if (weights == null) {
      boolean mean = scale == Scale.MEAN;
      double all = mean ? factor * termsPerSample : factor;
      loss =
          op.emit(
              sd(),
              name(),
              labels,
              predictions,
              constant(Nd4j.scalar(all)),
              mean ? LossReduce.MEAN_BY_NONZERO_WEIGHT_COUNT : LossReduce.SUM);
    } else if (scale == Scale.SUM) {
      loss = op.emit(sd(), name(), labels, predictions, weights, LossReduce.SUM);
    } else {
      SDVariable terms =
          op.emit(sd(), name() + "_terms", labels, predictions, weights, LossReduce.NONE);
      loss = reduce(terms, termsPerSample);
    }
    context.addLoss(loss, predictions, false);
  }

  @Override
  public void writtenOut(
      SDVariable terms, SDVariable predictions, double factor, @Nullable INDArray weights) {
    SDVariable factors = weights(factor, weights);
    SDVariable weighted =
        factors != null ? terms.mul(factors) : factor == 1 ? terms : terms.mul(factor);
    context.addLoss(reduce(weighted, rowsPerSample * columns()), predictions, true);
  }

  @Override
  public void writtenOutByRow(SDVariable terms, SDVariable predictions) {
    SDVariable weighted = mask == null ? terms : terms.mul(sd().reshape(mask.variable(), -1));
    context.addLoss(reduce(weighted, rowsPerSample), predictions, true);
  }

  @Override
  public void constant(SDVariable terms) {
    SDVariable masked = mask == null ? terms : terms.mul(mask.variable());
    context.addConstant(reduce(masked, rowsPerSample * columns()));
  }

  @Override
  public LossContext with(SDVariable rows) {
    return new LossConversion(context, scale, activation, preOutput, rows, mask, rowsPerSample);
  }

  private String name() {
    int before = context.losses();
    return before == 0 ? "loss" : "loss_" + before;
  }

  private SDVariable reduce(SDVariable terms, long termsPerSample) {
    if (scale == Scale.SUM) {
      return terms.sum(name());
    }
    return sd().reshape(terms, -1, termsPerSample).sum(1).mean(name());
  }

  @Override
  public ConversionException refuse(String reason, String remedy) {
    return context.refuse(reason, remedy);
  }

  @Override
  public boolean masksValues() {
    return mask != null && mask.size(1) != 1;
  }
}
