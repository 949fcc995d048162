package org.backpack4j.dl4j.internal.train;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.deeplearning4j.nn.api.Model;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A network's gradient in the shapes of its parameters. DL4J has some parameters' gradients in
 * another shape, with the entries in the same order: [O, I, k] where a convolution over time has a
 * weight of shape [O, I, k, 1].
 */
public final class Gradients {
  private Gradients() {}

  /**
   * A parameter's gradient, to be read or changed.
   *
   * @param net a network whose backward pass was made
   * @param parameter the parameter's name
   * @return a view of the network's gradient, of the parameter's shape; null if the pass has none
   */
  public static @Nullable INDArray of(Model net, String parameter) {
    INDArray gradient = net.gradient().gradientForVariable().get(parameter);
    INDArray array = net.paramTable().get(parameter);
    return gradient == null || array == null ? gradient : like(array, gradient);
  }

  /**
   * The gradients of all parameters.
   *
   * @param net a network whose backward pass was made
   * @return views, by names
   */
  public static Map<String, INDArray> of(Model net) {
    Map<String, INDArray> table = net.paramTable();
    Map<String, INDArray> gradients = new LinkedHashMap<>();
    net.gradient()
        .gradientForVariable()
        .forEach(
            (name, gradient) -> {
              INDArray array = table.get(name);
              gradients.put(name, array == null ? gradient : like(array, gradient));
            });
    return gradients;
  }

  private static INDArray like(INDArray parameter, INDArray gradient) {
    boolean same =
        Arrays.equals(parameter.shape(), gradient.shape())
            || parameter.length() != gradient.length();
    return same ? gradient : gradient.reshape(gradient.ordering(), true, parameter.shape());
  }
}
