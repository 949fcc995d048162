package org.backpack4j.examples.reference;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.nd4j.autodiff.loss.LossReduce;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Losses, by PyTorch's definitions: a mean is over all entries, that of the cross-entropy over all
 * positions.
 */
final class Losses {

  /** The placeholder of what the output is compared with. */
  static final String TARGET = "target";

  private Losses() {}

  /** Adds the loss to the graph and answers what is to be fed as its target. */
  static INDArray add(Tensor output, INDArray target, LossSpec spec) {
    return switch (spec.key()) {
      case "crossentropy", "crossentropyloss" -> crossEntropy(output, target, spec);
      case "mse", "mseloss" -> squaredError(output, target, spec);
      case "bcewithlogits", "bcewithlogitsloss" -> sigmoidCrossEntropy(output, target, spec);
      default -> throw new UnsupportedCaseException("the loss " + spec.type() + " is not known");
    };
  }

  private static INDArray squaredError(Tensor output, INDArray target, LossSpec spec) {
    INDArray labels = likeOutput(output, target);
    SameDiff graph = output.graph();
    SDVariable label = placeholder(graph, labels);
    graph.loss().meanSquaredError(CaseGraph.LOSS, label, output.variable(), null, reduction(spec));
    return labels;
  }

  private static INDArray sigmoidCrossEntropy(Tensor output, INDArray target, LossSpec spec) {
    refuse(spec, "weight", "pos_weight");
    INDArray labels = likeOutput(output, target);
    SameDiff graph = output.graph();
    SDVariable label = placeholder(graph, labels);
    graph
        .loss()
        .sigmoidCrossEntropy(CaseGraph.LOSS, label, output.variable(), null, reduction(spec), 0);
    return labels;
  }

  /** Targets are class indices, one for each position, or probabilities. */
  private static INDArray crossEntropy(Tensor output, INDArray target, LossSpec spec) {
    refuse(spec, "weight");
    boolean indices = target.dataType().isIntType();
    boolean classesLast =
        output.rank() > 2
            && !Arrays.equals(target.shape(), indices ? without(output, 1) : output.shape())
            && Arrays.equals(target.shape(), without(output, output.rank() - 1));
    Tensor logits = classesLast ? output : output.permute(lastAxes(output.rank()));
    INDArray labels;
    if (indices) {
      labels = oneHot(target, logits.size(-1), spec.attributes().integer("ignore_index", -100));
    } else {
      labels = likeOutput(output, target).permute(lastAxes(output.rank())).dup('c');
    }
    SameDiff graph = logits.graph();
    SDVariable label = placeholder(graph, labels);
    graph
        .loss()
        .softmaxCrossEntropy(
            CaseGraph.LOSS,
            label,
            logits.variable(),
            null,
            reduction(spec),
            spec.attributes().number("label_smoothing", 0));
    return labels;
  }

  /** [N, C, positions...] as [N, positions..., C]. */
  private static int[] lastAxes(int rank) {
    List<Integer> axes = new ArrayList<>(IntStream.range(0, rank).boxed().toList());
    if (rank > 2) {
      axes.remove(1);
      axes.add(1);
    }
    return axes.stream().mapToInt(Integer::intValue).toArray();
  }

  private static long[] without(Tensor output, int axis) {
    return IntStream.range(0, output.rank())
        .filter(i -> i != axis)
        .mapToLong(output::size)
        .toArray();
  }

  private static INDArray oneHot(INDArray indices, long classes, long ignored) {
    long[] flat = indices.dup('c').data().asLong();
    double[] entries = new double[Math.toIntExact(flat.length * classes)];
    for (int i = 0; i < flat.length; i++) {
      if (flat[i] == ignored) {
        throw new UnsupportedCaseException("a target that is to be ignored");
      }
      entries[Math.toIntExact(i * classes + flat[i])] = 1;
    }
    long[] shape = Arrays.copyOf(indices.shape(), indices.rank() + 1);
    shape[indices.rank()] = classes;
    return Nd4j.createFromArray(entries).reshape('c', shape);
  }

  private static INDArray likeOutput(Tensor output, INDArray target) {
    INDArray labels = target.castTo(DataType.DOUBLE).dup('c');
    if (labels.length() != output.length()) {
      throw new UnsupportedCaseException(
          "a target of the shape " + Arrays.toString(target.shape()) + " for " + output);
    }
    return labels.reshape('c', output.shape());
  }

  private static SDVariable placeholder(SameDiff graph, INDArray labels) {
    long[] open = labels.shape().clone();
    open[0] = -1;
    return graph.placeHolder(TARGET, DataType.DOUBLE, open);
  }

  private static LossReduce reduction(LossSpec spec) {
    return switch (spec.reduction()) {
      case "mean" -> LossReduce.MEAN_BY_NONZERO_WEIGHT_COUNT;
      case "sum" -> LossReduce.SUM;
      default -> throw new UnsupportedCaseException("the reduction " + spec.reduction());
    };
  }

  private static void refuse(LossSpec spec, String... names) {
    for (String name : names) {
      if (spec.attributes().has(name)) {
        throw new UnsupportedCaseException("a loss with " + name);
      }
    }
  }
}
