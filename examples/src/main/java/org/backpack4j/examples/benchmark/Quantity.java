package org.backpack4j.examples.benchmark;

import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.BatchL2Grad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.DiagGGNMC;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.extension.SumGradSquared;
import org.backpack4j.samediff.extension.Variance;
import org.jspecify.annotations.Nullable;

/** What is timed beside forward and backward pass, under BackPACK's names. */
enum Quantity {
  GRADIENT(null),
  BATCH_GRAD(BatchGrad::new),
  BATCH_L2(BatchL2Grad::new),
  SUM_GRAD_SQUARED(SumGradSquared::new),
  VARIANCE(Variance::new),
  DIAG_GGN_MC(DiagGGNMC::new),
  DIAG_GGN_EXACT(DiagGGNExact::new);

  private final @Nullable Supplier<Extension> extension;

  Quantity(@Nullable Supplier<Extension> extension) {
    this.extension = extension;
  }

  static Quantity of(String name) {
    return Arrays.stream(values())
        .filter(q -> q.label().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "No quantity " + name + "; there are " + Arrays.toString(values())));
  }

  /** All names. */
  static List<String> labels() {
    return Arrays.stream(values()).map(Quantity::label).toList();
  }

  String label() {
    return name().toLowerCase(java.util.Locale.ROOT);
  }

  /** What the graph is extended by: nothing for the gradient alone. */
  List<Extension> extensions() {
    return extension == null ? List.of() : List.of(extension.get());
  }

  /** The field whose entries are added up for the checksum. */
  String field() {
    return extension == null ? "grad" : extension.get().field();
  }

  /** Whether the figures are the same in every run. */
  boolean reproducible() {
    return this != DIAG_GGN_MC;
  }
}
