package org.backpack4j.examples.notebook;

/** A cell that is not Java. The message has the lines at fault, and why they are. */
final class CompilationException extends RuntimeException {
  private static final long serialVersionUID = 1;

  CompilationException(String message) {
    super(message, null, false, false);
  }
}
