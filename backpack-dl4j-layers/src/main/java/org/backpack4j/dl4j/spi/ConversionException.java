package org.backpack4j.dl4j.spi;

import org.backpack4j.dl4j.Obstacle;

/** Thrown by a converter that cannot convert what it was given. */
public final class ConversionException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final transient Obstacle obstacle;

  /**
   * An exception.
   *
   * @param obstacle what stands in the way
   */
  public ConversionException(Obstacle obstacle) {
    super(obstacle.toString());
    this.obstacle = obstacle;
  }

  /**
   * What stands in the way.
   *
   * @return the obstacle
   */
  public Obstacle obstacle() {
    return obstacle;
  }
}
