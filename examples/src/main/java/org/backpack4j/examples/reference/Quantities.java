package org.backpack4j.examples.reference;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.backpack4j.samediff.extension.BatchDiagGGNExact;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.BatchL2Grad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.extension.SumGradSquared;
import org.backpack4j.samediff.extension.Variance;

/** The extensions that compute the quantities of a case. A further quantity is one line here. */
final class Quantities {

  /** By field. The gradient comes with any extension, and with none. */
  private static final Map<String, Supplier<List<Extension>>> TABLE =
      Map.ofEntries(
          Map.entry("batch_l2", () -> List.of(new BatchL2Grad())),
          Map.entry("diag_ggn_exact", () -> List.of(new DiagGGNExact())),
          Map.entry("diag_ggn_exact_batch", () -> List.of(new BatchDiagGGNExact())),
          Map.entry("grad", List::of),
          Map.entry("grad_batch", () -> List.of(new BatchGrad())),
          Map.entry("sum_grad_squared", () -> List.of(new SumGradSquared())),
          Map.entry("variance", () -> List.of(new Variance())));

  private Quantities() {}

  /** The extensions that it takes, or nothing where the library does not have the quantity. */
  static Optional<List<Extension>> extensions(String field) {
    return Optional.ofNullable(TABLE.get(field)).map(Supplier::get);
  }
}
