package org.backpack4j.samediff;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Why a quantity cannot be had.
 *
 * @param quantity what was asked for, such as {@code diag_ggn_exact}; {@link #EVERYTHING} for all
 * @param node the node, variable or layer that stands in the way
 * @param reason what is the matter, a sentence without a full stop
 * @param remedy what to do, a sentence without a full stop
 */
public record Refusal(String quantity, String node, String reason, String remedy)
    implements Serializable {
  /** The quantity of a refusal that nothing escapes. */
  public static final String EVERYTHING = "*";

  /** How the reason begins where a sample's results depend on other samples. */
  public static final String COUPLED = "samples influence each other";

  /** As many places are named in a line. */
  private static final int NAMED = 12;

  @Override
  public String toString() {
    return quantity + ": " + node + ": " + reason + "; " + remedy + ".";
  }

  /**
   * Refusals as a person reads them: a line for each reason, what to do first, then the places, in
   * the order in which they come.
   *
   * @param refusals the refusals
   * @return the lines, without a line break
   */
  public static List<String> lines(Collection<Refusal> refusals) {
    Map<List<String>, List<Refusal>> alike = new LinkedHashMap<>();
    for (Refusal refusal : refusals) {
      alike
          .computeIfAbsent(List.of(refusal.reason, refusal.remedy), k -> new ArrayList<>())
          .add(refusal);
    }
    return alike.values().stream().map(Refusal::line).toList();
  }

  private static String line(List<Refusal> alike) {
    Set<String> places = new LinkedHashSet<>();
    Set<String> quantities = new LinkedHashSet<>();
    for (Refusal refusal : alike) {
      places.add(refusal.node);
      quantities.add(refusal.quantity);
    }
    Refusal first = alike.get(0);
    return first.remedy
        + ", since "
        + first.reason
        + ". Where: "
        + named(places)
        + (quantities.contains(EVERYTHING)
            ? "."
            : ". Not to be had: " + String.join(", ", quantities) + ".");
  }

  private static String named(Set<String> places) {
    if (places.size() == 1) {
      return places.iterator().next();
    }
    String names = String.join(", ", places.stream().limit(NAMED).toList());
    return places.size() + " places: " + names + (places.size() > NAMED ? ", …" : "");
  }
}
