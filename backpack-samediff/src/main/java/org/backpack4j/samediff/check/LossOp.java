package org.backpack4j.samediff.check;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;

/**
 * Where SameDiff's loss ops have their arguments.
 *
 * @param predictions the index of the predictions or logits
 * @param labels the index of the labels
 * @param ofDifference whether the loss is a function of predictions − labels, so that labels can be
 *     computed by the network as well
 */
record LossOp(int predictions, int labels, boolean ofDifference) {

  /** {@code BaseLoss}: predictions, weights, labels. */
  private static final LossOp STANDARD = new LossOp(0, 2, false);

  private static final LossOp OF_DIFFERENCE = new LossOp(0, 2, true);

  private static final Map<String, LossOp> BY_NAME =
      Map.ofEntries(
          Map.entry("absolute_difference_loss", OF_DIFFERENCE),
          Map.entry("cosine_distance_loss", STANDARD),
          Map.entry("ctc_loss", new LossOp(1, 0, false)),
          Map.entry("hinge_loss", STANDARD),
          Map.entry("huber_loss", OF_DIFFERENCE),
          Map.entry("log_loss", STANDARD),
          Map.entry("log_poisson_loss", STANDARD),
          Map.entry("mean_pairwssqerr_loss", OF_DIFFERENCE),
          Map.entry("mean_sqerr_loss", OF_DIFFERENCE),
          Map.entry("sigm_cross_entropy_loss", STANDARD),
          Map.entry("softmax_cross_entropy_loss", STANDARD),
          Map.entry("softmax_cross_entropy_loss_with_logits", new LossOp(0, 1, false)),
          Map.entry("sparse_softmax_cross_entropy_loss_with_logits", new LossOp(1, 0, false)));

  /** The loss op that a node is, or null. */
  static @Nullable LossOp of(SameDiffOp node) {
    return BY_NAME.get(node.getOp().opName());
  }

  /** The name of the predictions. */
  String predictions(SameDiffOp node) {
    return Dependencies.inputs(node).get(predictions);
  }

  /** The name of the labels. */
  String labels(SameDiffOp node) {
    return Dependencies.inputs(node).get(labels);
  }

  /** The arguments that may not depend on parameters. */
  List<String> fixed(SameDiffOp node) {
    return Dependencies.inputs(node).stream()
        .filter(name -> !name.equals(predictions(node)))
        .filter(name -> !(ofDifference && name.equals(labels(node))))
        .toList();
  }
}
