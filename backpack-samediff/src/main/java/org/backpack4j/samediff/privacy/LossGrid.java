package org.backpack4j.samediff.privacy;

import java.util.List;

/**
 * The points j · mesh, −size/2 &lt; j &lt; size/2, on which privacy losses are discretised; j below
 * zero stands at the index size + j, as Fourier transforms have it.
 *
 * @param size how many points, a power of two
 * @param mesh h, the distance of two points
 * @param epsilonError by how much ε may be off
 * @param deltaError by how much δ may be off besides
 */
record LossGrid(int size, double mesh, double epsilonError, double deltaError) {
  private static final int LEAST = 1 << 10;
  private static final int MOST = 1 << 23;

  /**
   * The grid of Gopi, Lee and Wutschitz, 2021, Theorem 5.5 and Remark 5.6: for k steps the mesh is
   * e / √(k/2 · ln(12/δ′)), e and δ′ the errors, and it reaches as far as the composed loss with
   * probability δ′/4 and each single loss with probability δ′/(8k), by bounds from Rényi
   * divergences. What a power of two has beyond that widens the domain. The error e is doubled
   * until the grid fits.
   */
  static LossGrid of(List<SampledGaussian> mechanisms, double wanted, double deltaError) {
    double steps = 0;
    for (SampledGaussian mechanism : mechanisms) {
      steps += mechanism.steps();
    }
    double perError = Math.sqrt(0.5 * steps * Math.log(12 / deltaError)); // of one over the mesh
    if (2 * perError + 3 > MOST) {
      throw new ArithmeticException(
          "%s steps, expected fewer, since no grid of %d points carries so many: use"
                  .formatted(steps, MOST)
              + " PrivacyAccountant.rdp()");
    }
    double reach = RdpAccountant.epsilon(mechanisms, deltaError / 4);
    for (SampledGaussian m : mechanisms) {
      List<SampledGaussian> one = List.of(new SampledGaussian(m.q(), m.sigma(), 1));
      reach = Math.max(reach, RdpAccountant.epsilon(one, deltaError / (8 * steps)));
    }
    for (double error = wanted; ; error *= 2) {
      double mesh = error / perError;
      double points = 2 * (reach + error + 3) / mesh + 2;
      if (points <= MOST) {
        int size = LEAST;
        while (size < points) {
          size *= 2;
        }
        return new LossGrid(size, mesh, error, deltaError);
      }
    }
  }

  /** How far up and down a loss may be. */
  double reach() {
    return 0.5 * (size - 1) * mesh;
  }

  /** The last j; the first is its negative. */
  int last() {
    return size / 2 - 1;
  }

  /** Where j stands. */
  int index(int j) {
    return j < 0 ? size + j : j;
  }
}
