package org.backpack4j.samediff.testing;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** One op in one configuration: its variables, and how it is added to a graph that has them. */
public record OpCase(
    String name, Map<String, INDArray> variables, Function<SameDiff, SDVariable> builder) {

  /** A new graph of this one op; its result is called {@code o}. */
  public SameDiff graph() {
    SameDiff graph = SameDiff.create();
    graph.setEnableCache(false);
    variables.forEach((variable, array) -> graph.var(variable, array.dup()));
    builder.apply(graph).rename("o");
    return graph;
  }

  /** Variables by name, from alternating names and arrays. */
  static Map<String, INDArray> variables(Object... namesAndArrays) {
    Map<String, INDArray> variables = new LinkedHashMap<>();
    for (int i = 0; i < namesAndArrays.length; i += 2) {
      variables.put((String) namesAndArrays[i], (INDArray) namesAndArrays[i + 1]);
    }
    return variables;
  }

  /** Numbers between -0.4 and 0.6, the same ones for the same shape. */
  public static INDArray random(long... shape) {
    INDArray array = Nd4j.create(DataType.DOUBLE, shape);
    Random random = new Random(array.length());
    for (int i = 0; i < array.length(); i++) {
      array.putScalar(i, random.nextDouble() - 0.4);
    }
    return array;
  }

  @Override
  public String toString() {
    return name;
  }
}
