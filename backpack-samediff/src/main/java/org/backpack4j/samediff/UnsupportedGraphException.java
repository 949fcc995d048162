package org.backpack4j.samediff;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Thrown when a graph cannot be extended as asked. Lists every obstacle at once, a line for each
 * reason: what to do, the reason, and where.
 */
public final class UnsupportedGraphException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  /** What stands in the way. */
  private final ArrayList<Refusal> refusals;

  /**
   * An exception.
   *
   * @param refusals what stands in the way
   */
  public UnsupportedGraphException(List<Refusal> refusals) {
    super(
        "The graph cannot be extended:\n"
            + Refusal.lines(refusals).stream()
                .map(line -> "  - " + line)
                .collect(Collectors.joining("\n"))
            + (refusals.stream().allMatch(r -> r.quantity().equals(Refusal.EVERYTHING))
                ? ""
                : "\nlenient() leaves these quantities out and keeps everything else."));
    this.refusals = new ArrayList<>(refusals);
  }

  /**
   * What stands in the way.
   *
   * @return the refusals
   */
  public List<Refusal> refusals() {
    return List.copyOf(refusals);
  }
}
