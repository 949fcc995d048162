package org.backpack4j.samediff;

import java.util.List;

/**
 * The quantities of one iteration of a training, at the parameters and the batch that its gradient
 * was computed from.
 *
 * @param iteration the iteration, as the network or graph counts
 * @param epoch the epoch
 * @param quantities the quantities
 * @param notes what has to be known to read them; none as a rule
 */
public record TrainingStep(
    int iteration, int epoch, QuantityResults quantities, List<String> notes) {
  /**
   * The quantities of an iteration.
   *
   * @param iteration the iteration
   * @param epoch the epoch
   * @param quantities the quantities
   * @param notes what has to be known to read them
   */
  public TrainingStep {
    notes = List.copyOf(notes);
  }
}
