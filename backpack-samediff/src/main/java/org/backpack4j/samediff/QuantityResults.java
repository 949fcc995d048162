package org.backpack4j.samediff;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.internal.extend.Outputs;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The quantities of one evaluation. */
public final class QuantityResults {
  private final Map<String, INDArray> outputs;
  private final List<Extension> extensions;
  private final Map<String, String> missing;
  private final Map<String, List<Integer>> outputAxes;

  /**
   * The quantities of an evaluation.
   *
   * @param outputs the arrays by output name, {@code <parameter>.<field>}
   * @param extensions the extensions that computed them
   */
  public QuantityResults(Map<String, INDArray> outputs, List<Extension> extensions) {
    this(outputs, extensions, Map.of());
  }

  /**
   * The quantities of an evaluation of some of the parameters.
   *
   * @param outputs the arrays by output name, {@code <parameter>.<field>}
   * @param extensions the extensions that computed them
   * @param missing why parameters have no quantities, by their names
   */
  public QuantityResults(
      Map<String, INDArray> outputs, List<Extension> extensions, Map<String, String> missing) {
    this(outputs, extensions, missing, Map.of());
  }

  /**
   * The quantities of an evaluation, with what has to be known to read Kronecker factors.
   *
   * @param outputs the arrays by output name, {@code <parameter>.<field>}
   * @param extensions the extensions that computed them
   * @param missing why parameters have no quantities, by their names
   * @param outputAxes for each Kronecker factor of a weight's outputs which of the weight's axes
   *     are its rows
   */
  public QuantityResults(
      Map<String, INDArray> outputs,
      List<Extension> extensions,
      Map<String, String> missing,
      Map<String, List<Integer>> outputAxes) {
    this.outputs = outputs;
    this.extensions = List.copyOf(extensions);
    this.missing = Map.copyOf(missing);
    this.outputAxes = Map.copyOf(outputAxes);
  }

  /**
   * Which axes of a weight are the rows of a Kronecker factor of its outputs, such as {@code
   * w.kfac.B}; those of the factor of its inputs are all others.
   *
   * @param name the output's name
   * @return the axes, ascending; empty if the output is no such factor, or it is not known
   */
  public Optional<List<Integer>> outputAxes(String name) {
    return Optional.ofNullable(outputAxes.get(name));
  }

  /**
   * Why a parameter has no quantities.
   *
   * @param parameter the parameter's name
   * @return the reason; empty if it has some, or if no parameter of that name is known
   */
  public Optional<String> missing(String parameter) {
    return Optional.ofNullable(missing.get(parameter));
  }

  /**
   * A parameter's gradient.
   *
   * @param parameter the parameter's name
   * @return ∂L/∂θ [P…]
   */
  public INDArray gradient(String parameter) {
    return array(parameter, "grad");
  }

  /**
   * A parameter's quantity.
   *
   * @param parameter the parameter's name
   * @param extension the extension that computes it
   * @return the quantity, of the shape that the extension says
   */
  public INDArray get(String parameter, Extension extension) {
    return array(parameter, extension.field());
  }

  /**
   * One of several results that an extension has for a parameter, such as a Kronecker factor.
   *
   * @param parameter the parameter's name
   * @param extension the extension that computes it
   * @param result the result's name, {@code B} say
   * @return the result, of the shape that the extension says
   */
  public INDArray get(String parameter, Extension extension, String result) {
    return array(parameter, extension.field() + "." + result);
  }

  /**
   * A parameter's quantity.
   *
   * @param parameter the parameter's name
   * @param extension the class of the extension, one that the graph was extended by
   * @return the quantity, of the shape that the extension says
   */
  public INDArray get(String parameter, Class<? extends Extension> extension) {
    return extensions.stream()
        .filter(extension::isInstance)
        .findFirst()
        .map(e -> get(parameter, e))
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "The graph was not extended by "
                        + extension.getSimpleName()
                        + "; its extensions are "
                        + extensions.stream().map(e -> e.getClass().getSimpleName()).toList()
                        + "."));
  }

  /**
   * What an extension has of all parameters together, such as a Gram matrix.
   *
   * @param extension the extension that computes it
   * @return the quantity, of the shape that the extension says
   */
  public INDArray together(Extension extension) {
    return array(Outputs.TOGETHER, extension.field());
  }

  private INDArray array(String parameter, String field) {
    String name = Outputs.name(parameter, field);
    INDArray array = outputs.get(name);
    if (array == null) {
      String reason = missing.get(parameter);
      throw new IllegalArgumentException(
          reason != null
              ? reason
              : "\"" + name + "\" was not computed; what was is " + outputs.keySet() + ".");
    }
    return array;
  }

  /**
   * Everything, by name.
   *
   * @return the arrays by output name
   */
  public Map<String, INDArray> outputs() {
    return outputs;
  }
}
