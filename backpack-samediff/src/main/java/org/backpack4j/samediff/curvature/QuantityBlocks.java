package org.backpack4j.samediff.curvature;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.backpack4j.samediff.QuantityResults;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.DiagGGNMC;
import org.backpack4j.samediff.extension.DiagHessian;
import org.backpack4j.samediff.extension.DiagHessianMC;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.extension.KFAC;
import org.backpack4j.samediff.extension.KFACExpand;
import org.backpack4j.samediff.extension.KFACReduce;
import org.backpack4j.samediff.extension.KFLR;
import org.backpack4j.samediff.extension.KFRA;
import org.backpack4j.samediff.extension.SqrtGGNExact;
import org.backpack4j.samediff.extension.SqrtGGNMC;
import org.backpack4j.samediff.extension.SumGradSquared;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The blocks that an extension's quantities are. */
final class QuantityBlocks {
  private static final List<Class<? extends Extension>> DIAGONALS =
      List.of(
          DiagGGNExact.class,
          DiagGGNMC.class,
          DiagHessian.class,
          DiagHessianMC.class,
          SumGradSquared.class);
  private static final List<Class<? extends Extension>> FACTORS =
      List.of(KFAC.class, KFLR.class, KFRA.class, KFACExpand.class, KFACReduce.class);
  private static final List<Class<? extends Extension>> COLUMNS_FIRST =
      List.of(SqrtGGNExact.class, SqrtGGNMC.class);

  private final Function<String, Optional<List<Integer>>> outputAxes;
  private final QuantityResults results;
  private final Extension extension;
  private final ParameterLayout layout;

  private QuantityBlocks(
      ParameterLayout layout,
      Function<String, Optional<List<Integer>>> outputAxes,
      QuantityResults results,
      Extension extension) {
    this.layout = layout;
    this.outputAxes = outputAxes;
    this.results = results;
    this.extension = extension;
  }

  static Curvature of(
      ParameterLayout layout,
      Function<String, Optional<List<Integer>>> outputAxes,
      QuantityResults results,
      Extension extension) {
    QuantityBlocks blocks = new QuantityBlocks(layout, outputAxes, results, extension);
    if (DIAGONALS.contains(extension.getClass())) {
      return blocks.diagonals();
    }
    if (FACTORS.contains(extension.getClass())) {
      return blocks.factors();
    }
    if (COLUMNS_FIRST.contains(extension.getClass())) {
      return blocks.lowRank(2);
    }
    if (extension instanceof BatchGrad) {
      return blocks.lowRank(1);
    }
    throw new IllegalArgumentException(
        "\""
            + extension.field()
            + "\" is no curvature matrix. The diagonals, factors and roots that are can be read"
            + " off; for products there is LinearOperator.of.");
  }

  private Curvature diagonals() {
    Curvature.Builder builder = Curvature.builder(layout);
    layout.names().forEach(p -> builder.diagonal(p, results.get(p, extension)));
    return builder.build();
  }

  private Curvature factors() {
    Curvature.Builder builder = Curvature.builder(layout);
    for (String p : layout.names()) {
      Optional<INDArray> diagonal = found(p, "diag");
      if (diagonal.isPresent()) {
        builder.diagonal(p, diagonal.get());
        continue;
      }
      INDArray outputs = results.get(p, extension, "B");
      Optional<List<Integer>> axes = outputAxes.apply(name(p, "B"));
      if (axes.isEmpty()) {
        builder.dense(List.of(p), outputs);
      } else {
        INDArray inputs = found(p, "A").orElseGet(() -> results.get(p, extension, "A_diag"));
        builder.kronecker(p, outputs, inputs, WeightAxes.of(axes.get()));
      }
    }
    return builder.build();
  }

  private Optional<INDArray> found(String parameter, String result) {
    return Optional.ofNullable(results.outputs().get(name(parameter, result)));
  }

  private String name(String parameter, String result) {
    return parameter + "." + extension.field() + "." + result;
  }

  /** Rows of all parameters together, the first axes of what there is of each. */
  private Curvature lowRank(int axes) {
    Map<String, INDArray> parts = new LinkedHashMap<>();
    for (String p : layout.names()) {
      INDArray part = results.get(p, extension);
      long rows = Arrays.stream(part.shape()).limit(axes).reduce(1, Math::multiplyExact);
      parts.put(p, part.dup('c').reshape('c', ParameterLayout.with(rows, layout.shape(p))));
    }
    List<String> all = new ArrayList<>(layout.names());
    return Curvature.builder(layout).lowRank(all, layout.joinRows(parts)).build();
  }
}
