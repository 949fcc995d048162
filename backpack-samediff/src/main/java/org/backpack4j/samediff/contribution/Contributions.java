package org.backpack4j.samediff.contribution;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Adds up contributions of one source. */
public final class Contributions {
  private Contributions() {}

  /**
   * The contribution of a parameter that is used several times, its uses' contributions added for
   * each sample.
   *
   * @param parts the contributions of the uses, at least one, with the same columns
   * @return their sum; outer products stay one outer product over more positions, lookups one
   *     lookup
   */
  public static Contribution sum(List<Contribution> parts) {
    if (parts.size() == 1) {
      return parts.get(0);
    }
    if (parts.get(0) instanceof Viewed first
        && parts.stream().allMatch(c -> c instanceof Viewed v && v.view().equals(first.view()))) {
      return sum(parts.stream().map(c -> ((Viewed) c).inner()).toList()).through(first.view());
    }
    return OuterProduct.join(parts)
        .or(() -> Lookup.join(parts))
        .or(() -> slices(parts))
        .orElseGet(() -> new Sum(parts));
  }

  /** Uses of several slices of a parameter, each slice's added up, if the slices are apart. */
  private static Optional<Contribution> slices(List<Contribution> parts) {
    Map<View, List<Contribution>> slices = new LinkedHashMap<>();
    for (Contribution part : parts) {
      if (!(part instanceof Viewed viewed)) {
        return Optional.empty();
      }
      slices.computeIfAbsent(viewed.view(), v -> new ArrayList<>()).add(part);
    }
    List<View> views = List.copyOf(slices.keySet());
    for (int i = 0; i < views.size(); i++) {
      for (int j = 0; j < i; j++) {
        if (!views.get(i).apartFrom(views.get(j))) {
          return Optional.empty();
        }
      }
    }
    return Optional.of(new Apart(slices.values().stream().map(Contributions::sum).toList()));
  }
}
