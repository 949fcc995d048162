package org.backpack4j.samediff.testing;

import java.util.Random;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Random values that shapes settle, for random graphs: what a person reads off the shape of a value
 * with samples, and lets a parameter meet. They stay small, so that nothing is saturated by them.
 */
final class SettledValues {
  private final SameDiff sd;
  private final Random random;

  SettledValues(SameDiff sd, Random random) {
    this.sd = sd;
    this.random = random;
  }

  /**
   * What is made of a parameter and such a value.
   *
   * @param x a value with samples
   * @param p a parameter
   * @return of the parameter's shape
   */
  SDVariable meets(SDVariable x, SDVariable p) {
    SDVariable number = number(x);
    return switch (random.nextInt(6)) {
      case 0 -> p.div(number);
      case 1 -> p.mul(sd.math().sqrt(number).mul(0.3));
      case 2 -> p.add(number.mul(0.01));
      case 3 -> p.add(sd.zerosLike(x.max()));
      case 4 -> p.mul(sd.onesLike(x.mean()));
      default -> p.sub(sd.math().cos(positions(x).sum()));
    };
  }

  /** A number that is read off the shape. */
  SDVariable number(SDVariable x) {
    SDVariable whole =
        switch (random.nextInt(5)) {
          case 0 -> sd.sizeAt(x, 0);
          case 1 -> sd.sizeAt(x, -1);
          case 2 -> sd.size(x);
          case 3 -> sd.rank(x);
          default -> sd.onesLike(x).sum();
        };
    return whole.castTo(DataType.DOUBLE);
  }

  /** 0, 1, … up to the extent of an axis. */
  SDVariable positions(SDVariable x) {
    SDVariable end = sd.sizeAt(x, random.nextBoolean() ? 0 : -1).castTo(DataType.DOUBLE);
    return sd.range(sd.constant(scalar(0)), end, sd.constant(scalar(1)), DataType.DOUBLE);
  }

  private static INDArray scalar(double value) {
    return Nd4j.scalar(DataType.DOUBLE, value);
  }
}
