package org.backpack4j.samediff;

/**
 * An evaluation needs more native memory than there is. Nothing has been computed, and nothing that
 * was there is lost.
 */
public final class NoRoomException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  /**
   * A refusal.
   *
   * @param message what needs how much, and what to do
   */
  public NoRoomException(String message) {
    super(message);
  }
}
