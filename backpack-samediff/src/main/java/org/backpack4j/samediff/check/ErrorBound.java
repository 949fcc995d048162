package org.backpack4j.samediff.check;

import java.util.ArrayList;
import java.util.List;

/** Gathers estimates, and refuses those whose error is not small beside the largest of them. */
final class ErrorBound {
  private static final int SHOWN = 5;

  private final double relative;
  private final double absolute;
  private final List<Parameter> parameters = new ArrayList<>();
  private final List<Long> indices = new ArrayList<>();
  private final List<Estimate> estimates = new ArrayList<>();

  /**
   * A gathering.
   *
   * @param relative an error up to this fraction of the largest number is accepted
   * @param absolute an error up to this is accepted
   */
  ErrorBound(double relative, double absolute) {
    this.relative = relative;
    this.absolute = absolute;
  }

  void add(Parameter parameter, long index, Estimate estimate) {
    parameters.add(parameter);
    indices.add(index);
    estimates.add(estimate);
  }

  /** Throws an {@link UncertainException} that names the entries whose error is too large. */
  void require() {
    double largest =
        estimates.stream().map(Estimate::values).mapToDouble(Estimate::maxAbs).max().orElse(0);
    double accepted = Math.max(absolute, relative * largest);
    List<String> uncertain = new ArrayList<>();
    for (int k = 0; k < estimates.size(); k++) {
      if (!(estimates.get(k).maxError() <= accepted)) {
        uncertain.add(describe(k));
      }
    }
    if (!uncertain.isEmpty()) {
      List<String> shown = uncertain.subList(0, Math.min(SHOWN, uncertain.size()));
      throw new UncertainException(
          "Differences do not tell "
              + String.join(", ", shown)
              + (uncertain.size() > SHOWN ? " and " + (uncertain.size() - SHOWN) + " more" : "")
              + ": there is a kink too near (a relu at 0, equal numbers under a maximum)."
              + " Choose other entries, or parameters that are not exactly at the kink.");
    }
  }

  private String describe(int k) {
    Estimate estimate = estimates.get(k);
    int worst = 0;
    for (int i = 0; i < estimate.errors().length; i++) {
      worst = estimate.errors()[i] > estimate.errors()[worst] ? i : worst;
    }
    return "%s (%.6g, give or take %.1g)"
        .formatted(
            parameters.get(k).describe(indices.get(k)),
            estimate.values()[worst],
            estimate.errors()[worst]);
  }
}
