package org.backpack4j.samediff.spi;

/**
 * Thrown by a rule that does not cover a node; gathered with all others before anything is
 * inserted, and told as one {@link org.backpack4j.samediff.UnsupportedGraphException}.
 */
public final class UnsupportedOpException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** What is the matter. */
  private final String reason;

  /** What to do. */
  private final String remedy;

  /**
   * A refusal.
   *
   * @param reason what is the matter
   * @param remedy what to do
   */
  public UnsupportedOpException(String reason, String remedy) {
    super(reason + "; " + remedy);
    this.reason = reason;
    this.remedy = remedy;
  }

  /**
   * What is the matter.
   *
   * @return a sentence without a full stop
   */
  public String reason() {
    return reason;
  }

  /**
   * What to do.
   *
   * @return a sentence without a full stop
   */
  public String remedy() {
    return remedy;
  }
}
