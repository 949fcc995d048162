package org.backpack4j.dl4j.convert;

import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.jspecify.annotations.Nullable;

/** Faults of DL4J 1.0.0-M2.1's own gradients that a configuration shows. */
public final class OwnFaults {
  private OwnFaults() {}

  /**
   * Whether DL4J's backward pass multiplies by a γ that its forward pass does not use: batch
   * normalisation with locked γ and β does where γ is not 1 and β is 0. DL4J's gradients of all
   * that is below are γ times the derivative of its score.
   *
   * @param model the network
   * @return whether it has such a layer
   */
  public static boolean scaleBackwardsAlone(Model model) {
    return Network.of(model).steps().stream().anyMatch(s -> scalesBackwardsAlone(s.layer()));
  }

  private static boolean scalesBackwardsAlone(@Nullable Layer layer) {
    return layer != null
        && Running.inside(layer) instanceof BatchNormalization normalisation
        && normalisation.isLockGammaBeta()
        && normalisation.getGamma() != 1
        && normalisation.getBeta() == 0;
  }
}
