package org.backpack4j.samediff.curvature;

import java.io.IOException;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** B ⊗ A of a weight seen as a matrix [O, I]. */
final class KroneckerBlock extends Block {
  static final String FORM = "Kronecker-factored";
  private final WeightAxes axes;
  private final Factor outputs;
  private final Factor inputs;

  /** Whether damping goes to the factors, not to their product. */
  private final boolean factored;

  private @Nullable Spectra spectra;

  private record Spectra(Factor.Spectrum outputs, Factor.Spectrum inputs) {
    Sides vectors(WeightAxes axes) {
      return new Sides(axes, outputs.vectors(), inputs.vectors());
    }
  }

  private KroneckerBlock(
      ParameterLayout layout, WeightAxes axes, Factor outputs, Factor inputs, boolean factored) {
    super(layout);
    this.axes = axes;
    this.outputs = outputs;
    this.inputs = inputs;
    this.factored = factored;
  }

  static KroneckerBlock of(
      ParameterLayout layout, INDArray outputs, INDArray inputs, int[] outputAxes) {
    String name = layout.names().get(0);
    WeightAxes axes = new WeightAxes(name, layout.shape(name), outputAxes);
    return new KroneckerBlock(
        layout,
        axes,
        Factor.symmetric("The factor B of \"" + name + "\"", outputs, axes.outputs()),
        Factor.symmetric("The factor A of \"" + name + "\"", inputs, axes.inputs()),
        false);
  }

  static Block read(ParameterLayout layout, CurvatureFile.Reader reader) throws IOException {
    int[] outputAxes = reader.integers("output_axes");
    KroneckerBlock block = of(layout, reader.array("B"), reader.array("A"), outputAxes);
    return reader.setting("damping").equals("factored") ? block.factoredDamping() : block;
  }

  @Override
  void write(CurvatureFile.Writer writer) throws IOException {
    writer.integers("output_axes", axes.outputAxes());
    writer.setting("damping", factored ? "factored" : "exact");
    writer.array("B", outputs.entries());
    writer.array("A", inputs.entries());
  }

  @Override
  String form() {
    return FORM;
  }

  @Override
  INDArray times(INDArray vectors) {
    return axes.together(new Sides(axes, outputs, inputs).into(vectors));
  }

  @Override
  double trace() {
    return outputs.trace() * inputs.trace();
  }

  @Override
  INDArray diagonal() {
    INDArray product = outer(outputs.diagonal(), inputs.diagonal());
    return new Sides(axes, null, null).diagonal(product);
  }

  @Override
  double[] eigenvalues() {
    return Matrices.numbers(product(0, 0));
  }

  @Override
  Block scaled(double factor) {
    return new KroneckerBlock(layout(), axes, outputs.scaled(factor), inputs, factored);
  }

  @Override
  Block factoredDamping() {
    return new KroneckerBlock(layout(), axes, outputs, inputs, true);
  }

  @Override
  Map<String, INDArray> eigenvectors() {
    return withEigenvalues(product(0, 0)).eigenvectors();
  }

  @Override
  Block withEigenvalues(INDArray eigenvalues) {
    Sides vectors = spectra().vectors(axes);
    return new CorrectedBlock(
        layout(),
        axes,
        vectors.left() != null ? vectors.left() : Factor.identity(axes.outputs()),
        vectors.right() != null ? vectors.right() : Factor.identity(axes.inputs()),
        Matrices.checked(
            "The eigenvalues of " + layout(), eigenvalues, axes.outputs(), axes.inputs()));
  }

  @Override
  DampedBlock damped(BlockDamping damping) {
    double delta = damping.first();
    INDArray eigenvalues;
    if (factored) {
      double root = Math.sqrt(delta);
      double pi = balance();
      eigenvalues = product(pi * root, root / pi);
    } else {
      eigenvalues = product(0, 0).addi(delta);
    }
    return new EigenDamped(title(), damping, spectra().vectors(axes), eigenvalues);
  }

  /** π = √((tr B/O) / (tr A/I)); 1 where a factor is zero. */
  private double balance() {
    double b = outputs.trace() / axes.outputs();
    double a = inputs.trace() / axes.inputs();
    return b > 0 && a > 0 ? Math.sqrt(b / a) : 1;
  }

  /** (λ_B + b)(λ_A + a), [O, I]. */
  private INDArray product(double b, double a) {
    double[] left = spectra().outputs().values().clone();
    double[] right = spectra().inputs().values().clone();
    for (int k = 0; k < left.length; k++) {
      left[k] += b;
    }
    for (int k = 0; k < right.length; k++) {
      right[k] += a;
    }
    return outer(Matrices.array(left, left.length), Matrices.array(right, right.length));
  }

  private static INDArray outer(INDArray left, INDArray right) {
    return Matrices.product(
        left.reshape(left.length(), 1), right.reshape(1, right.length())); // [O, I]
  }

  /** Found once, when they are needed. */
  private synchronized Spectra spectra() {
    if (spectra == null) {
      String name = "\"" + layout().names().get(0) + "\"";
      spectra =
          new Spectra(
              outputs.spectrum("The factor B of " + name),
              inputs.spectrum("The factor A of " + name));
    }
    return Objects.requireNonNull(spectra);
  }
}
