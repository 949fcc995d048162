package org.backpack4j.dl4j.train;

import java.util.Map;
import org.backpack4j.dl4j.internal.train.RepeatedPass;
import org.backpack4j.samediff.curvature.Curvature;
import org.backpack4j.samediff.curvature.DampedCurvature;
import org.backpack4j.samediff.extension.EKFAC;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.extension.KFAC;
import org.backpack4j.samediff.extension.KFACExpand;
import org.backpack4j.samediff.extension.KFACReduce;
import org.backpack4j.samediff.extension.KFLR;
import org.deeplearning4j.nn.api.Model;
import org.jspecify.annotations.Nullable;

/**
 * Eigenvalues of their own for a matrix of Kronecker factors (George et al., 2018, "Fast
 * approximate natural gradient descent in a Kronecker-factored eigenbasis"): second moments of the
 * batches' columns in its eigenvectors, as a moving average that begins anew with each
 * eigenvectors.
 */
final class CorrectedEigenvalues {
  private final EKFAC extension;
  private final RepeatedPass pass;
  private @Nullable Eigenvectors eigenvectors;

  /** The matrix whose eigenvectors are used, and what belongs to them. */
  private static final class Eigenvectors {
    private final Curvature of;
    private final Map<String, org.nd4j.linalg.api.ndarray.INDArray> feeds;
    private final MovingCurvature eigenvalues;
    private @Nullable Curvature corrected;

    Eigenvectors(Curvature of, EKFAC extension) {
      this.of = of;
      feeds = of.eigenvectors(extension);
      eigenvalues = new MovingCurvature(extension);
    }
  }

  /**
   * For a kind of factors.
   *
   * @throws IllegalArgumentException if the quantity has no Kronecker factors
   */
  CorrectedEigenvalues(Extension factors, RepeatedPass pass) {
    if (!(factors instanceof KFACExpand
        || factors instanceof KFACReduce
        || factors instanceof KFAC
        || factors instanceof KFLR)) {
      throw new IllegalArgumentException(
          "Eigenvalues are corrected of Kronecker factors, not of \""
              + factors.field()
              + "\": begin with Kfac.preconditioner(), Kfac.reduce(), or a preconditioner of KFAC,"
              + " KFLR, KFACExpand or KFACReduce.");
    }
    extension = new EKFAC(factors.columns());
    this.pass = pass;
  }

  EKFAC extension() {
    return extension;
  }

  /**
   * The corrected matrix for a step.
   *
   * @param net the network, which has passed the step's batch
   * @param factors the matrix of Kronecker factors
   * @param damping the damping
   * @param due whether the batch goes into the average
   * @param decay how much of the average it leaves
   */
  DampedCurvature ofStep(Model net, Curvature factors, double damping, boolean due, double decay) {
    Eigenvectors here = eigenvectors;
    if (here == null || here.of != factors) {
      here = new Eigenvectors(factors, extension);
    }
    Curvature corrected = here.corrected;
    if (corrected == null || due) {
      here.eigenvalues.add(
          pass.evaluation(net, extension)
              .quantities(here.feeds, name -> name.contains("." + extension.field())),
          decay);
      corrected = factors.withEigenvalues(here.eigenvalues.results(), extension);
      here.corrected = corrected;
    }
    eigenvectors = here;
    return corrected.damped(damping);
  }
}
