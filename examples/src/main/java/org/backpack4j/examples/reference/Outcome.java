package org.backpack4j.examples.reference;

import java.util.Locale;

/**
 * How one quantity of one case came out.
 *
 * @param caseName the case
 * @param quantity the quantity
 * @param parameters how many parameters it is known for
 * @param difference the largest relative difference, or NaN where nothing was compared
 * @param verdict how it came out
 * @param reason why, where it did not pass; else empty
 */
public record Outcome(
    String caseName,
    String quantity,
    int parameters,
    double difference,
    Verdict verdict,
    String reason) {

  /** How a quantity can come out. */
  public enum Verdict {
    /** Every entry is as it should be. */
    PASSED("ok"),
    /** An entry is not, or there was an exception. */
    FAILED("FAILED"),
    /** The case, or the quantity, is refused. */
    NOT_SUPPORTED("not supported");

    private final String text;

    Verdict(String text) {
      this.text = text;
    }
  }

  /** One line: case, quantity, number of parameters, difference, verdict. */
  public String line() {
    String number = Double.isNaN(difference) ? "-" : String.format(Locale.ROOT, "%.2e", difference);
    return String.join(" ", caseName, quantity, "" + parameters, number, verdict.text);
  }
}
