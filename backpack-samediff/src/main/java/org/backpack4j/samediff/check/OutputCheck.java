package org.backpack4j.samediff.check;

import org.jspecify.annotations.Nullable;

/**
 * The comparison of one output.
 *
 * @param output the output's name
 * @param verdict how it came out
 * @param compared how many numbers were compared
 * @param uncertain how many more brute force could not tell well enough
 * @param tolerance the largest accepted difference, relative to the largest entry
 * @param worst the largest difference; null if none was compared
 * @param note what else there is to say; may be empty
 */
public record OutputCheck(
    String output,
    Outcome verdict,
    int compared,
    int uncertain,
    double tolerance,
    @Nullable Mismatch worst,
    String note) {

  /** An output of which nothing was compared. */
  static OutputCheck skipped(String output, String reason) {
    return new OutputCheck(output, Outcome.NOT_CHECKED, 0, 0, 0, null, reason);
  }

  /** An output that is wrong as a whole. */
  static OutputCheck broken(String output, String reason) {
    return new OutputCheck(output, Outcome.FAILED, 0, 0, 0, null, reason);
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder("%s: %s".formatted(output, verdict));
    if (compared > 0) {
      text.append(", %d numbers compared, tolerance %.0e".formatted(compared, tolerance));
    }
    if (uncertain > 0) {
      text.append(", %d too near to a kink, or to zero".formatted(uncertain));
    }
    if (worst != null) {
      text.append("; worst: ").append(worst);
    }
    return note.isEmpty() ? text.toString() : text.append("; ").append(note).toString();
  }
}
