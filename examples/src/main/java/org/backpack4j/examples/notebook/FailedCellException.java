package org.backpack4j.examples.notebook;

import java.util.List;

/** A cell whose code threw something: what it was, and where in the notebook it was thrown. */
final class FailedCellException extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final transient List<String> trace;

  FailedCellException(Throwable thrown, List<String> trace) {
    super(thrown.toString(), thrown, false, false);
    this.trace = trace;
  }

  /** The lines to show. */
  List<String> trace() {
    return trace;
  }
}
