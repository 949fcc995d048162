package org.backpack4j.dl4j.train;

import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** Draws batches, and knows whether a step is made of each of them, and once. */
final class DrawnBatches {
  private final PoissonBatches batches;
  private final NoiseSource noise;
  private final PrivacyBudget budget;

  /** What was drawn, until its step is made. */
  private @Nullable List<PoissonBatches.Piece> drawn;

  /** Whether the step of what was drawn has begun. */
  private boolean begun;

  DrawnBatches(PoissonBatches batches, NoiseSource noise, PrivacyBudget budget) {
    this.batches = batches;
    this.noise = noise;
    this.budget = budget;
  }

  /** Draws a batch; answers the piece that the network is trained with. */
  synchronized MultiDataSet draw() {
    if (drawn != null && !begun) {
      throw new IllegalStateException(
          "A batch was drawn, and no private step was made of the one before: add the engine's"
              + " listener() to the network, and let nothing read batches ahead of the training"
              + " (AsyncDataSetIterator).");
    }
    budget.check();
    List<PoissonBatches.Piece> pieces = batches.draw(noise);
    drawn = pieces;
    begun = false;
    return pieces.get(pieces.size() - 1).data();
  }

  /**
   * The pieces of the batch of which a gradient is to be computed.
   *
   * @param fed the features that the network is trained with
   */
  synchronized List<PoissonBatches.Piece> begin(INDArray fed) {
    List<PoissonBatches.Piece> pieces = drawn;
    if (pieces == null
        || begun
        || !isSame(fed, pieces.get(pieces.size() - 1).data().getFeatures(0))) {
      throw new IllegalStateException(
          "The network is trained with a batch that the engine has not drawn, or a second time with"
              + " one that it has: train with the engine's iterator() alone, in which every sample"
              + " is in a batch by chance. Otherwise ε would be wrong.");
    }
    begun = true;
    budget.check();
    return pieces;
  }

  private static boolean isSame(INDArray fed, INDArray drawn) {
    return fed == drawn
        || (fed.data().address() == drawn.data().address()
            && Arrays.equals(fed.shape(), drawn.shape()));
  }
}
