package org.backpack4j.samediff.contribution;

import java.util.List;
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
    Optional<Contribution> joined = OuterProduct.join(parts).or(() -> Lookup.join(parts));
    return joined.orElseGet(() -> new Sum(parts));
  }
}
