package org.backpack4j.samediff.internal.contribution;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.backpack4j.samediff.spi.ParameterVjp;
import org.backpack4j.samediff.spi.View;

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
  public static ParameterVjp sum(List<ParameterVjp> parts) {
    if (parts.size() == 1) {
      return parts.get(0);
    }
    if (parts.get(0) instanceof Reindexed first
        && parts.stream()
            .allMatch(c -> c instanceof Reindexed v && v.view().equals(first.view()))) {
      return sum(parts.stream().map(c -> ((Reindexed) c).inner()).toList()).through(first.view());
    }
    if (parts.stream().anyMatch(OtherFactors.class::isInstance)) {
      List<ParameterVjp> computed =
          parts.stream().map(c -> c instanceof OtherFactors o ? o.inner() : c).toList();
      return new OtherFactors(sum(computed), Optional::empty);
    }
    return OuterProduct.join(parts)
        .or(() -> EmbeddingProduct.join(parts))
        .or(() -> slices(parts))
        .orElseGet(() -> new SharedSum(parts));
  }

  /** Uses of several slices of a parameter, each slice's added up, if the slices are apart. */
  private static Optional<ParameterVjp> slices(List<ParameterVjp> parts) {
    Map<View, List<ParameterVjp>> slices = new LinkedHashMap<>();
    for (ParameterVjp part : parts) {
      if (!(part instanceof Reindexed viewed)) {
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
    return Optional.of(new DisjointSum(slices.values().stream().map(Contributions::sum).toList()));
  }
}
