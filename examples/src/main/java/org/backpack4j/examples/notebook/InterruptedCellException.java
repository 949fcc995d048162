package org.backpack4j.examples.notebook;

/** A cell that was stopped because the person asked for it. */
final class InterruptedCellException extends RuntimeException {
  private static final long serialVersionUID = 1;

  InterruptedCellException() {
    super("The cell was interrupted.", null, false, false);
  }
}
