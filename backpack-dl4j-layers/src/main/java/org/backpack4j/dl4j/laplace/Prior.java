package org.backpack4j.dl4j.laplace;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The prior's precisions and a regression's noise, as they were set or tuned. */
final class Prior {
  /** δ where no name has its own. */
  double everywhere = 1;

  /** By names of layers or parameters. */
  Map<String, Double> given = Map.of();

  /** σ² of a regression; null if it is fitted. */
  @Nullable Double noise;

  /** Whether the noise was found by tuning, and may be tuned again. */
  boolean tuned;

  /** Sets one precision for all. */
  void all(double precision) {
    everywhere = positive("The prior's precision", precision);
    given = Map.of();
  }

  /**
   * Sets precisions of some; others keep theirs.
   *
   * @param fitted what they have to name something of; null if nothing is fitted yet
   */
  void some(Map<String, Double> precisions, @Nullable Fitted fitted) {
    precisions.forEach((name, p) -> positive("The prior's precision of \"" + name + "\"", p));
    Map<String, Double> all = new LinkedHashMap<>(given);
    all.putAll(precisions);
    if (fitted != null) {
      check(fitted, all);
    }
    given = all;
  }

  void noise(double variance) {
    noise = positive("The noise", variance);
    tuned = false;
  }

  private static double positive(String what, @Nullable Double value) {
    if (value == null || !Double.isFinite(value) || value <= 0) {
      throw new IllegalArgumentException(
          what + " must be a finite number above 0, which makes P regular, not " + value + ".");
    }
    return value;
  }

  /** Refuses names of nothing that is fitted. */
  void check(Fitted fitted) {
    check(fitted, given);
  }

  private static void check(Fitted fitted, Map<String, Double> precisions) {
    List<String> parameters = fitted.layout().names();
    for (String name : precisions.keySet()) {
      if (parameters.stream().noneMatch(p -> fitted.model().isNamed(p, name))) {
        throw new IllegalArgumentException(
            "The prior's precision names \""
                + name
                + "\", which is neither a fitted parameter nor its layer; fitted are "
                + parameters
                + ".");
      }
    }
  }

  /** δ by parameter. */
  Map<String, Double> precisions(Fitted fitted) {
    Map<String, Double> all = new LinkedHashMap<>();
    for (String p : fitted.layout().names()) {
      Double own = given.get(p);
      all.put(p, own != null ? own : given.getOrDefault(fitted.model().owner(p), everywhere));
    }
    return all;
  }

  /** σ²; 1 of a classifier. */
  double sigma(Fitted fitted) {
    if (!fitted.regression()) {
      return 1;
    }
    return noise != null ? noise : fitted.noise();
  }

  /** Whether σ² is to be tuned with the precisions. */
  boolean tunesNoise(Fitted fitted) {
    return fitted.regression() && (noise == null || tuned);
  }
}
