package org.backpack4j.samediff.check;

/** How the comparison of one output came out. */
public enum Outcome {
  /** All compared entries are within the tolerance. */
  OK("ok"),
  /** An entry is not, or the output has a wrong shape, or entries that are not finite. */
  FAILED("FAILED"),
  /** Brute force could tell none of the entries that were tried well enough. */
  UNCERTAIN("uncertain"),
  /** Nothing was compared; the note says why. */
  NOT_CHECKED("not checked");

  private final String text;

  Outcome(String text) {
    this.text = text;
  }

  @Override
  public String toString() {
    return text;
  }
}
