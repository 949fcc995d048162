package org.backpack4j.samediff.curvature;

import java.io.IOException;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A diagonal block of a curvature matrix, of some form, for one parameter or several. */
abstract class Block {
  private final ParameterLayout layout;

  Block(ParameterLayout layout) {
    this.layout = layout;
  }

  /** The block's parameters alone. */
  final ParameterLayout layout() {
    return layout;
  }

  final long size() {
    return layout.size();
  }

  /** What errors call the block. */
  final String title() {
    return "the " + form() + " block of \"" + String.join("\", \"", layout.names()) + "\"";
  }

  /** The name of the form, also in files. */
  abstract String form();

  /** The block times vectors [V, d], a new array. */
  abstract INDArray times(INDArray vectors);

  abstract double trace();

  /** The diagonal [d]. */
  abstract INDArray diagonal();

  /** All d eigenvalues, in any order. */
  abstract double[] eigenvalues();

  abstract Block scaled(double factor);

  /** With a choice of how Kronecker factors are damped; other forms are what they were. */
  Block factoredDamping() {
    return this;
  }

  /**
   * The eigenvectors of a block of one parameter, as columns: {@code Q_B} and, of Kronecker
   * factors, {@code Q_A}, but where they are unit vectors. None of a diagonal.
   */
  Map<String, INDArray> eigenvectors() {
    throw new UnsupportedOperationException(
        "Eigenvectors are those of Kronecker factors and whole blocks of one parameter, not of "
            + title()
            + ".");
  }

  /** The block with the same eigenvectors and other eigenvalues. */
  Block withEigenvalues(INDArray eigenvalues) {
    throw new UnsupportedOperationException(
        "Eigenvalues are corrected of Kronecker factors and whole blocks of one parameter, not of "
            + title()
            + ".");
  }

  /**
   * The block with damping.
   *
   * @throws ArithmeticException if it is singular or not positive then
   */
  abstract DampedBlock damped(BlockDamping damping);

  /** Writes what the form needs. */
  abstract void write(CurvatureFile.Writer writer) throws IOException;

  final UnsupportedOperationException cannot(String what, String instead) {
    String block = title();
    return new UnsupportedOperationException(
        Character.toUpperCase(block.charAt(0))
            + block.substring(1)
            + " has no "
            + what
            + ": it is known by its products alone. "
            + instead);
  }
}
