package org.backpack4j.examples.reference;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.backpack4j.samediff.extension.BatchDiagGGNExact;
import org.backpack4j.samediff.extension.BatchDiagHessian;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.BatchL2Grad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.DiagHessian;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.extension.GGNProduct;
import org.backpack4j.samediff.extension.HessianProduct;
import org.backpack4j.samediff.extension.KFACExpand;
import org.backpack4j.samediff.extension.KFACReduce;
import org.backpack4j.samediff.extension.KFLR;
import org.backpack4j.samediff.extension.KFRA;
import org.backpack4j.samediff.extension.SumGradSquared;
import org.backpack4j.samediff.extension.Variance;

/** The extensions that compute the quantities of a case. A further quantity is one line here. */
final class Quantities {
  /**
   * How a quantity is computed.
   *
   * @param extensions the extensions that it takes
   * @param field what the library calls it
   * @param factored whether a parameter has Kronecker factors
   */
  record Way(List<Extension> extensions, String field, boolean factored) {
    /** The outputs of a parameter: of factors the outputs' first. */
    List<String> outputs(String parameter, int arrays) {
      String name = parameter + "." + field;
      if (!factored) {
        return arrays == 1
            ? List.of(name)
            : IntStream.range(0, arrays).mapToObj(k -> name + "." + k).toList();
      }
      return arrays == 1 ? List.of(name + ".B") : List.of(name + ".B", name + ".A");
    }
  }

  /** By field. The gradient comes with any extension, and with none. */
  private static final Map<String, Supplier<Way>> TABLE =
      Map.ofEntries(
          entrywise("batch_l2", BatchL2Grad::new),
          entrywise("diag_ggn_exact", DiagGGNExact::new),
          entrywise("diag_ggn_exact_batch", BatchDiagGGNExact::new),
          entrywise("diag_h", DiagHessian::new),
          entrywise("diag_h_batch", BatchDiagHessian::new),
          Map.entry("grad", () -> new Way(List.of(), "grad", false)),
          entrywise("ggn_vector_product", GGNProduct::new),
          entrywise("grad_batch", BatchGrad::new),
          entrywise("hessian_vector_product", HessianProduct::new),
          factored("kfac_expand", KFACExpand::new),
          factored("kfac_reduce", KFACReduce::new),
          factored("kflr", KFLR::new),
          factored("kfra", KFRA::new),
          entrywise("sum_grad_squared", SumGradSquared::new),
          entrywise("variance", Variance::new));

  private Quantities() {}

  private static Map.Entry<String, Supplier<Way>> entrywise(
      String field, Supplier<Extension> extension) {
    return Map.entry(field, () -> new Way(List.of(extension.get()), field, false));
  }

  private static Map.Entry<String, Supplier<Way>> factored(
      String field, Supplier<Extension> extension) {
    return Map.entry(field, () -> new Way(List.of(extension.get()), field, true));
  }

  /** How to compute a quantity, or nothing where the library does not have it. */
  static Optional<Way> of(String field) {
    return Optional.ofNullable(TABLE.get(field)).map(Supplier::get);
  }
}
