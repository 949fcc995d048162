package org.backpack4j.dl4j.internal.listen;

import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.backpack4j.dl4j.internal.convert.ConvertedGraph;
import org.backpack4j.dl4j.internal.convert.Peculiarities;
import org.deeplearning4j.nn.api.Model;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.impl.LossBinaryXENT;

/**
 * Outputs a that DL4J's XENT clips to [ε, 1 − ε]. There its gradient (c − y) / (c (1 − c)) with the
 * clipped c takes the place of ours, (a − y) / (a (1 − a)). Both are linear in the labels: with the
 * labels y' = a − a (1 − a) (c − y) / (c (1 − c)) our gradient is DL4J's, and the two can be
 * compared.
 *
 * @param samples how many samples have such outputs
 * @param bound ε
 * @param feeds the feeds with the labels y'
 */
record ClippedOutputs(int samples, double bound, Map<String, INDArray> feeds) {
  /** A difference that is smaller, in units of the clipping bound, is none. */
  private static final double SEEN = 10;

  /**
   * Looks for such outputs.
   *
   * @param net the network
   * @param converted its conversion
   * @param feeds a batch, with all that the conversion is fed
   * @return nothing if there are none
   */
  static Optional<ClippedOutputs> in(
      Model net, ConvertedGraph converted, Map<String, INDArray> feeds) {
    List<String> outputs = Peculiarities.outputs(net);
    Map<String, INDArray> changed = new LinkedHashMap<>(feeds);
    Set<Integer> samples = new HashSet<>();
    double bound = 0;
    for (int k = 0; k < outputs.size(); k++) {
      if (Peculiarities.loss(Peculiarities.output(net, k)) instanceof LossBinaryXENT loss
          && loss.getClipEps() > 0) {
        String name = converted.labels().get(k);
        INDArray labels = feeds.get(name);
        INDArray output = converted.evaluate(converted.activations(outputs.get(k)), feeds);
        if (labels != null && labels.length() == output.length()) {
          bound = loss.getClipEps();
          changed.put(name, clipped(labels, output, bound, samples));
        }
      }
    }
    return samples.isEmpty()
        ? Optional.empty()
        : Optional.of(new ClippedOutputs(samples.size(), bound, changed));
  }

  private static INDArray clipped(
      INDArray labels, INDArray output, double bound, Set<Integer> samples) {
    double[] y = labels.castTo(DataType.DOUBLE).dup('c').reshape(labels.length()).toDoubleVector();
    double[] a = output.castTo(DataType.DOUBLE).dup('c').reshape(output.length()).toDoubleVector();
    int columns = (int) (labels.length() / labels.size(0));
    for (int k = 0; k < y.length; k++) {
      double c = Math.min(Math.max(a[k], bound), 1 - bound);
      if (c != a[k] && Math.abs(a[k] - y[k]) > SEEN * bound) {
        samples.add(k / columns);
      }
      if (c != a[k]) {
        y[k] = a[k] - a[k] * (1 - a[k]) * (c - y[k]) / (c * (1 - c));
      }
    }
    return Nd4j.createFromArray(y).castTo(labels.dataType()).reshape('c', labels.shape());
  }

  /** What was found out, if our gradient is DL4J's with these labels. */
  Verdict verdict(long all) {
    return new Verdict(
        Verdict.Kind.OURS,
        "DL4J 1.0.0-M2.1 clips the outputs of XENT at %.0e and 1 − %.0e, where its gradient is not that of the loss; ours is that of the loss without clipping."
            .formatted(bound, bound),
        "%d of %d samples have such outputs; with them clipped, the two agree."
            .formatted(samples, all));
  }
}
