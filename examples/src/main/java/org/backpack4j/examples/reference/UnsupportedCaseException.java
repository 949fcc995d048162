package org.backpack4j.examples.reference;

/** A case asks for something that the builder of its graph does not know; the message says what. */
public final class UnsupportedCaseException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  UnsupportedCaseException(String message) {
    super(message);
  }
}
