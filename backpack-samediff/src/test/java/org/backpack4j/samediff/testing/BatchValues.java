package org.backpack4j.samediff.testing;

import java.util.Random;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;

/**
 * Random values of all samples, for random graphs: a parameter that meets one has no samples'
 * parts, and everything but its gradient has to be refused.
 */
final class BatchValues {
  private final SameDiff sd;
  private final Random random;

  BatchValues(SameDiff sd, Random random) {
    this.sd = sd;
    this.random = random;
  }

  /**
   * What is made of a parameter and a number of all samples.
   *
   * @param x what was fed: a value with samples that does not depend on parameters
   * @param p a parameter
   * @return of the parameter's shape
   */
  SDVariable meets(SDVariable x, SDVariable p) {
    SDVariable number =
        switch (random.nextInt(4)) {
          case 0 -> x.mean();
          case 1 -> x.max();
          case 2 -> sd.math().square(x).sum().mul(0.1);
          default -> x.std(false);
        };
    return switch (random.nextInt(6)) {
      case 0 -> p.mul(number);
      case 1 -> p.div(sd.math().abs(number).add(1));
      case 2 -> p.add(number);
      case 3 -> p.sub(number);
      case 4 -> sd.math().tanh(p).add(number).mul(0.5);
      default -> sd.math().max(p, number);
    };
  }
}
