package org.backpack4j.samediff.check;

import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;

/** The outcome of a comparison with brute force. Its text is a report, one line for each output. */
public final class Verification {
  private final List<OutputCheck> outputs;

  Verification(List<OutputCheck> outputs) {
    this.outputs = List.copyOf(outputs);
  }

  /**
   * The comparisons.
   *
   * @return one for each output that was handed in
   */
  public List<OutputCheck> outputs() {
    return outputs;
  }

  /**
   * Whether the results stand.
   *
   * @return true if no output differs, and at least one number was compared
   */
  public boolean ok() {
    return outputs.stream().noneMatch(check -> check.verdict() == Outcome.FAILED)
        && outputs.stream().anyMatch(check -> check.verdict() == Outcome.OK);
  }

  /**
   * The entry that is farthest off, in units of the tolerance for its output.
   *
   * @return the entry; none if no number was compared
   */
  public Optional<Mismatch> worst() {
    return outputs.stream()
        .filter(check -> check.worst() != null)
        .max(Comparator.comparingDouble(Verification::excess))
        .map(OutputCheck::worst);
  }

  private static double excess(OutputCheck check) {
    double relative = Objects.requireNonNull(check.worst()).relative();
    return Double.isNaN(relative) ? Double.POSITIVE_INFINITY : relative / check.tolerance();
  }

  /**
   * Fails unless the results stand.
   *
   * @return this
   * @throws AssertionError with the report, if {@link #ok()} is false
   */
  public Verification orThrow() {
    if (!ok()) {
      throw new AssertionError(toString());
    }
    return this;
  }

  @Override
  public String toString() {
    long failed = count(Outcome.FAILED);
    String lines =
        outputs.stream()
            .map(check -> "  " + check)
            .collect(Collectors.joining(System.lineSeparator()));
    return "Compared with brute force: %d ok, %d FAILED, %d uncertain, %d not checked%n%s"
        .formatted(
            count(Outcome.OK), failed, count(Outcome.UNCERTAIN), count(Outcome.NOT_CHECKED), lines);
  }

  private long count(Outcome verdict) {
    return outputs.stream().filter(check -> check.verdict() == verdict).count();
  }
}
