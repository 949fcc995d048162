package org.backpack4j.dl4j.laplace;

import java.util.Map;
import java.util.Objects;
import org.backpack4j.dl4j.internal.trained.OutputLoss;
import org.backpack4j.samediff.ExtendedGraph;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

/**
 * What a loss is the negative logarithm of, up to a factor.
 *
 * @param loss the loss
 */
record Likelihood(OutputLoss loss) {
  /**
   * The likelihood of a graph.
   *
   * @throws IllegalArgumentException if the graph has several predictions, or a loss that is not
   *     known to be one
   */
  static Likelihood of(ExtendedGraph graph) {
    OutputLoss loss =
        OutputLoss.of(
            graph,
            "A Laplace approximation",
            "choose an output by output(…), or train with such a loss.");
    if (loss.smoothsLabels(graph)) {
      throw new IllegalArgumentException(
          "The loss \""
              + loss.name()
              + "\" smooths labels, and is no likelihood of them: fit with a loss without it.");
    }
    return new Likelihood(loss);
  }

  OutputLoss.Kind kind() {
    return loss.kind();
  }

  /**
   * A batch's predictions and labels as rows.
   *
   * @param predictions f [R, C]
   * @param labels y [R, C]
   * @param weights [R, C], of a regression 0 or 1
   */
  record Observed(INDArray predictions, INDArray labels, INDArray weights) {}

  /** Reads a batch. */
  Observed observe(Map<String, INDArray> values) {
    INDArray f = OutputLoss.rows(Objects.requireNonNull(values.get(loss.predictions())));
    INDArray y =
        Objects.requireNonNull(values.get(loss.labels()))
            .castTo(DataType.DOUBLE)
            .dup('c')
            .reshape('c', f.shape());
    INDArray w =
        Objects.requireNonNull(values.get(loss.weights())).castTo(DataType.DOUBLE).dup('c');
    double scale = w.length() == 0 ? 1 : w.maxNumber().doubleValue();
    INDArray all = Nd4j.ones(DataType.DOUBLE, f.shape());
    if (scale != 0 && f.length() > 0) {
      if (w.length() == f.length()) {
        all.assign(w.reshape('c', f.shape()));
      } else if (w.length() == 1) {
        all.assign(scale);
      } else if (w.length() == f.size(0)) {
        all.muliColumnVector(w.reshape('c', w.length(), 1));
      } else if (w.length() == f.size(1)) {
        all.muliRowVector(w.reshape('c', 1, w.length()));
      } else {
        throw new IllegalArgumentException(
            "The weights \""
                + loss.weights()
                + "\" of the loss fit neither its rows nor its columns.");
      }
    } else {
      all.assign(0);
    }
    if (kind() != OutputLoss.Kind.SQUARED) {
      return new Observed(f, y, all);
    }
    if (scale != 0) {
      all.divi(scale);
    }
    double between = all.length() == 0 ? 0 : all.mul(all.rsub(1)).amaxNumber().doubleValue();
    if (between > 1e-9) {
      throw new IllegalArgumentException(
          "The weights \""
              + loss.weights()
              + "\" of the squared error are neither 0 nor all the same: one noise for all labels"
              + " does not describe them. Fit with equal weights.");
    }
    return new Observed(f, y, all);
  }

  /** Σ w ln p(y | f) of a classifier. */
  double logLikelihood(INDArray f, INDArray y, INDArray w) {
    if (f.length() == 0) {
      return 0;
    }
    INDArray terms;
    if (kind() == OutputLoss.Kind.SOFTMAX) {
      terms =
          Nd4j.exec(new org.nd4j.linalg.api.ops.impl.transforms.custom.LogSoftMax(f.dup('c')))[0]
              .mul(y);
    } else { // y z − softplus(z)
      INDArray softplus =
          Transforms.log(Transforms.exp(Transforms.abs(f, true).negi(), false).addi(1), false)
              .addi(Transforms.max(f, 0, true));
      terms = f.mul(y).subi(softplus);
    }
    return terms.muli(w).sumNumber().doubleValue();
  }

  /** −Σ w ln p(y) of predicted probabilities. */
  double negativeLog(INDArray p, INDArray y, INDArray w) {
    INDArray positive = Transforms.max(p, 1e-300, true);
    INDArray terms = Transforms.log(positive, true).muli(y);
    if (kind() == OutputLoss.Kind.SIGMOID) {
      INDArray other = Transforms.max(p.rsub(1), 1e-300, true);
      terms.addi(Transforms.log(other, false).muli(y.rsub(1)));
    }
    return -terms.muli(w).sumNumber().doubleValue();
  }

  /**
   * The factor that a loss has in front of the negative log-likelihood of a batch, a sum over its
   * terms (of a regression ½ (y − f)²): from its gradient by the predictions, which is that factor
   * times p − y, or f − y.
   *
   * @param gradient the loss's gradient [R, C]
   * @throws IllegalArgumentException if it is no such multiple
   */
  double factor(Observed batch, INDArray gradient) {
    INDArray f = batch.predictions();
    INDArray y = batch.labels();
    INDArray errors = kind() == OutputLoss.Kind.SQUARED ? f.sub(y) : errors(f, y);
    INDArray expected = errors.muli(batch.weights());
    double square = expected.mul(expected).sumNumber().doubleValue();
    double factor = expected.mul(gradient).sumNumber().doubleValue() / square;
    double off = gradient.sub(expected.mul(factor)).norm2Number().doubleValue();
    if (!(factor > 0) || !(off <= 1e-2 * factor * Math.sqrt(square))) {
      throw new IllegalArgumentException(
          square == 0
              ? "The predictions of the first batch are its labels: a loss of zero does not tell"
                  + " how it scales. Fit a network that is less sure, or put another batch first."
              : "The loss is no multiple of the negative log-likelihood of \""
                  + loss.predictions()
                  + "\": its gradient there is another. Train with the loss alone, without factors"
                  + " that depend on the data.");
    }
    return factor;
  }

  /** The gradient of −ln p by the logits. */
  private INDArray errors(INDArray f, INDArray y) {
    INDArray p = loss.probabilities(f);
    return kind() == OutputLoss.Kind.SOFTMAX
        ? p.muliColumnVector(y.sum(true, 1)).subi(y)
        : p.subi(y);
  }
}
