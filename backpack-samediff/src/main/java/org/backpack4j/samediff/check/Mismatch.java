package org.backpack4j.samediff.check;

/**
 * How far an entry of an output is from what brute force says.
 *
 * @param output the output's name
 * @param position the entry's index in each axis of the output, as in {@code [3, 0, 12]}
 * @param found the entry
 * @param expected what brute force says
 * @param uncertainty how exactly brute force knows that
 * @param relative |found − expected| over the largest absolute entry of the output
 */
public record Mismatch(
    String output,
    String position,
    double found,
    double expected,
    double uncertainty,
    double relative) {

  @Override
  public String toString() {
    return "%s%s is %.9g, should be %.9g ± %.0e (off by %.1e of the largest entry)"
        .formatted(output, position, found, expected, uncertainty, relative);
  }
}
