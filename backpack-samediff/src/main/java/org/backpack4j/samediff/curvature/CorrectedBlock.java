package org.backpack4j.samediff.curvature;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Eigenvectors of Kronecker factors with eigenvalues of their own. */
final class CorrectedBlock extends Block {
  static final String FORM = "eigenvalue-corrected Kronecker-factored";
  private final WeightAxes axes;
  private final Factor outputs;
  private final Factor inputs;
  private final INDArray eigenvalues;

  CorrectedBlock(
      ParameterLayout layout,
      WeightAxes axes,
      Factor outputs,
      Factor inputs,
      INDArray eigenvalues) {
    super(layout);
    this.axes = axes;
    this.outputs = outputs;
    this.inputs = inputs;
    this.eigenvalues = eigenvalues;
  }

  static CorrectedBlock of(
      ParameterLayout layout,
      INDArray outputs,
      INDArray inputs,
      INDArray eigenvalues,
      int[] outputAxes) {
    String name = layout.names().get(0);
    String of = " of \"" + name + "\"";
    WeightAxes axes = new WeightAxes(name, layout.shape(name), outputAxes);
    return new CorrectedBlock(
        layout,
        axes,
        Factor.orthogonal("The eigenvectors of B" + of, outputs, axes.outputs()),
        Factor.orthogonal("The eigenvectors of A" + of, inputs, axes.inputs()),
        Matrices.checked("The eigenvalues" + of, eigenvalues, axes.outputs(), axes.inputs()));
  }

  static CorrectedBlock read(ParameterLayout layout, CurvatureFile.Reader reader)
      throws IOException {
    return of(
        layout,
        reader.array("Q_B"),
        reader.array("Q_A"),
        reader.array("eigenvalues"),
        reader.integers("output_axes"));
  }

  @Override
  void write(CurvatureFile.Writer writer) throws IOException {
    writer.integers("output_axes", axes.outputAxes());
    writer.array("Q_B", outputs.entries());
    writer.array("Q_A", inputs.entries());
    writer.array("eigenvalues", eigenvalues);
  }

  @Override
  String form() {
    return FORM;
  }

  @Override
  Map<String, INDArray> eigenvectors() {
    Map<String, INDArray> vectors = new LinkedHashMap<>();
    outputs.columns().ifPresent(columns -> vectors.put("Q_B", columns));
    inputs.columns().ifPresent(columns -> vectors.put("Q_A", columns));
    return vectors;
  }

  @Override
  Block withEigenvalues(INDArray corrected) {
    INDArray checked =
        Matrices.checked(
            "The eigenvalues of " + layout(), corrected, axes.outputs(), axes.inputs());
    return new CorrectedBlock(layout(), axes, outputs, inputs, checked);
  }

  private Sides vectors() {
    return new Sides(axes, outputs, inputs);
  }

  @Override
  INDArray times(INDArray vectors) {
    Sides sides = vectors();
    INDArray x = sides.into(vectors);
    return sides.back(
        x.length() == 0 ? x : x.mul(eigenvalues.reshape('c', axes.outputs(), 1, axes.inputs())));
  }

  @Override
  double trace() {
    return size() == 0 ? 0 : eigenvalues.sumNumber().doubleValue();
  }

  @Override
  INDArray diagonal() {
    return vectors().diagonal(eigenvalues);
  }

  @Override
  double[] eigenvalues() {
    return Matrices.numbers(eigenvalues);
  }

  @Override
  Block scaled(double factor) {
    return new CorrectedBlock(layout(), axes, outputs, inputs, eigenvalues.mul(factor));
  }

  @Override
  DampedBlock damped(BlockDamping damping) {
    return new EigenDamped(title(), damping, vectors(), eigenvalues.add(damping.first()));
  }
}
