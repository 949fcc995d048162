package org.backpack4j.samediff.execution;

/** A parameter has been replaced by an array of another shape, type or layout: plan again. */
final class StalePlanException extends Exception {
  private static final long serialVersionUID = 1L;

  StalePlanException(String message) {
    super(message);
  }
}
