package org.backpack4j.samediff.internal.evaluate;

import org.backpack4j.samediff.internal.ir.Normaliser;

/**
 * A summand of a variable.
 *
 * @param kind how it depends on samples
 * @param by what it is divided by
 * @param fixed whether no parameter acts on it
 */
record Summand(Kind kind, Normaliser by, boolean fixed) {
  /** How a summand depends on samples. */
  enum Kind {
    /** Of parameters and constants alone. */
    FREE,
    /** A part for each sample, of that sample alone. */
    ROWS,
    /** A sum of such parts over the samples. */
    TOTAL,
    /** A function of the number of samples, or of the samples' places, of another kind. */
    NUMBERS
  }

  Summand with(Normaliser other) {
    return new Summand(kind, other, fixed);
  }

  boolean undivided() {
    return by.equals(Normaliser.NONE);
  }
}
