package org.backpack4j.samediff;

import java.util.List;
import java.util.stream.Collectors;
import org.backpack4j.samediff.backprop.Refusal;

/**
 * Thrown when a graph cannot be extended as asked. Lists every obstacle at once: node, reason,
 * remedy.
 */
public final class UnsupportedGraphException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  private final transient List<Refusal> refusals;

  /**
   * An exception.
   *
   * @param refusals what stands in the way
   */
  public UnsupportedGraphException(List<Refusal> refusals) {
    super(
        "The graph cannot be extended:\n"
            + refusals.stream().map(r -> "  " + r).collect(Collectors.joining("\n"))
            + "\nBackPack.on(sd).lenient() leaves these quantities out and keeps everything else.");
    this.refusals = List.copyOf(refusals);
  }

  /**
   * What stands in the way.
   *
   * @return the refusals
   */
  public List<Refusal> refusals() {
    return refusals;
  }
}
