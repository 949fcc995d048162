package org.backpack4j.samediff.internal.execution;

/** A parameter has been replaced by an array of another shape, type or layout: plan again. */
public final class StalePlanException extends Exception {
  private static final long serialVersionUID = 1L;

  public StalePlanException(String message) {
    super(message);
  }
}
