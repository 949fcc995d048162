package org.backpack4j.samediff.internal.ir;

/**
 * What a sum over samples is divided by. It is a sum over samples itself, so that that of several
 * batches together is the sum of theirs.
 *
 * @param kind what is counted
 * @param variable the variable whose entries are counted or added up; empty for the other kinds
 */
public record Normaliser(Kind kind, String variable) {
  /** What is counted. */
  public enum Kind {
    /** Nothing: the sum stays as it is. */
    NONE,
    /** The samples, or a multiple of their number. */
    SAMPLES,
    /** The sum of a variable's entries. */
    SUM,
    /** The number of a variable's entries that are not zero. */
    NONZERO
  }

  /** Nothing. */
  public static final Normaliser NONE = new Normaliser(Kind.NONE, "");

  /** The number of samples. */
  public static final Normaliser SAMPLES = new Normaliser(Kind.SAMPLES, "");

  /**
   * The sum of a variable's entries.
   *
   * @param variable the variable's name
   * @return the normaliser
   */
  public static Normaliser sum(String variable) {
    return new Normaliser(Kind.SUM, variable);
  }

  /**
   * The number of a variable's entries that are not zero.
   *
   * @param variable the variable's name
   * @return the normaliser
   */
  public static Normaliser nonzero(String variable) {
    return new Normaliser(Kind.NONZERO, variable);
  }

  @Override
  public String toString() {
    return switch (kind) {
      case NONE -> "nothing";
      case SAMPLES -> "the number of samples";
      case SUM -> "the sum of \"" + variable + "\"";
      case NONZERO -> "the number of entries of \"" + variable + "\" that are not zero";
    };
  }
}
