package org.backpack4j.examples.reference;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.apache.commons.math3.linear.Array2DRowRealMatrix;
import org.apache.commons.math3.linear.EigenDecomposition;
import org.backpack4j.samediff.extension.BatchDiagGGNExact;
import org.backpack4j.samediff.extension.BatchDiagHessian;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.BatchL2Grad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.DiagHessian;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.extension.GGNProduct;
import org.backpack4j.samediff.extension.GramGGN;
import org.backpack4j.samediff.extension.HessianProduct;
import org.backpack4j.samediff.extension.JacobianProduct;
import org.backpack4j.samediff.extension.KFACExpand;
import org.backpack4j.samediff.extension.KFACReduce;
import org.backpack4j.samediff.extension.KFLR;
import org.backpack4j.samediff.extension.KFRA;
import org.backpack4j.samediff.extension.SumGradSquared;
import org.backpack4j.samediff.extension.Variance;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** The extensions that compute the quantities of a case. A further quantity is one line here. */
final class Quantities {
  /**
   * How a quantity is computed.
   *
   * @param extensions the extensions that it takes
   * @param field what the library calls it
   * @param factored whether a parameter has Kronecker factors
   * @param ofInputs whether it is one of the inputs
   * @param ofOutput whether it is one of the network's output, which has to be named then
   * @param made makes what is known of what is computed
   */
  record Way(
      List<Extension> extensions,
      String field,
      boolean factored,
      boolean ofInputs,
      boolean ofOutput,
      UnaryOperator<INDArray> made) {
    Way(List<Extension> extensions, String field, boolean factored) {
      this(extensions, field, factored, false, false, array -> array);
    }

    /** The outputs of a parameter: of factors the outputs' first. */
    List<String> outputs(String parameter, int arrays, String output) {
      String owner = ofOutput ? output : parameter;
      String name = owner.equals(NETWORK) ? field : owner + "." + field;
      if (!factored) {
        return arrays == 1
            ? List.of(name)
            : IntStream.range(0, arrays).mapToObj(k -> name + "." + k).toList();
      }
      return arrays == 1 ? List.of(name + ".B") : List.of(name + ".B", name + ".A");
    }
  }

  /** In the place of a parameter's name: of the whole network. */
  static final String NETWORK = "";

  /** By field. The gradient comes with any extension, and with none. */
  private static final Map<String, Supplier<Way>> TABLE =
      Map.ofEntries(
          entrywise("batch_l2", BatchL2Grad::new),
          entrywise("diag_ggn_exact", DiagGGNExact::new),
          entrywise("diag_ggn_exact_batch", BatchDiagGGNExact::new),
          entrywise("diag_h", DiagHessian::new),
          entrywise("diag_h_batch", BatchDiagHessian::new),
          Map.entry("grad", () -> new Way(List.of(), "grad", false)),
          Map.entry("ggn_eigenvalues", Quantities::eigenvalues),
          entrywise("ggn_vector_product", GGNProduct::new),
          entrywise("grad_batch", BatchGrad::new),
          entrywise("hessian_vector_product", HessianProduct::new),
          Map.entry("input_grad_batch", Quantities::byInput),
          Map.entry("jvp", Quantities::alongVector),
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

  private static Way byInput() {
    List<Extension> extensions = List.of(new BatchGrad());
    return new Way(extensions, "grad_batch", false, true, false, array -> array);
  }

  private static Way alongVector() {
    List<Extension> extensions = List.of(new JacobianProduct());
    return new Way(extensions, "jvp", false, false, true, array -> array);
  }

  private static Way eigenvalues() {
    List<Extension> extensions = List.of(new GramGGN());
    return new Way(extensions, "gram_ggn", false, false, false, Quantities::eigenvalues);
  }

  /** The eigenvalues of a symmetric matrix, the largest first. */
  private static INDArray eigenvalues(INDArray matrix) {
    double[] values =
        new EigenDecomposition(new Array2DRowRealMatrix(matrix.toDoubleMatrix()))
            .getRealEigenvalues();
    Arrays.sort(values);
    return Nd4j.createFromArray(
        IntStream.rangeClosed(1, values.length)
            .mapToDouble(k -> values[values.length - k])
            .toArray());
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
