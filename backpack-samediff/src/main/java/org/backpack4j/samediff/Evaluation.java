package org.backpack4j.samediff;

import java.util.Map;
import org.backpack4j.samediff.extension.Extension;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The quantities of one evaluation. */
public final class Evaluation {
  private final Map<String, INDArray> outputs;

  Evaluation(Map<String, INDArray> outputs) {
    this.outputs = outputs;
  }

  /**
   * A parameter's gradient.
   *
   * @param parameter the parameter's name
   * @return ∂L/∂θ [P…]
   */
  public INDArray gradient(String parameter) {
    return get(Outputs.name(parameter, "grad"));
  }

  /**
   * A parameter's quantity.
   *
   * @param parameter the parameter's name
   * @param extension the extension that computes it
   * @return the quantity, of the shape that the extension says
   */
  public INDArray get(String parameter, Extension extension) {
    return get(Outputs.name(parameter, extension.field()));
  }

  /**
   * A parameter's quantity.
   *
   * @param parameter the parameter's name
   * @param extension the class of the extension, one with a constructor without settings
   * @return the quantity, of the shape that the extension says
   */
  public INDArray get(String parameter, Class<? extends Extension> extension) {
    return get(Outputs.name(parameter, Fields.of(extension)));
  }

  private INDArray get(String name) {
    INDArray array = outputs.get(name);
    if (array == null) {
      throw new IllegalArgumentException(
          "\"" + name + "\" was not computed; what was is " + outputs.keySet() + ".");
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
