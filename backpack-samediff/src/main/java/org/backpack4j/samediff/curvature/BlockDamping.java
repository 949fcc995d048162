package org.backpack4j.samediff.curvature;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;

/** What is added to the diagonal of a block: a number for each parameter. */
final class BlockDamping {
  private final ParameterLayout layout;
  private final Map<String, Double> values;

  BlockDamping(ParameterLayout layout, Map<String, Double> values) {
    this.layout = layout;
    this.values = values;
  }

  /** The same number for all parameters. */
  static Map<String, Double> same(ParameterLayout layout, double damping) {
    Map<String, Double> values = new LinkedHashMap<>();
    layout.names().forEach(name -> values.put(name, damping));
    return checked(layout, values);
  }

  static Map<String, Double> checked(ParameterLayout layout, Map<String, Double> damping) {
    damping.keySet().forEach(layout::offset);
    Map<String, Double> values = new LinkedHashMap<>();
    for (String name : layout.names()) {
      Double value = damping.get(name);
      if (value == null || !Double.isFinite(value) || value < 0) {
        throw new IllegalArgumentException(
            "The damping of \""
                + name
                + "\" must be a finite number of at least 0, not "
                + value
                + ".");
      }
      values.put(name, value);
    }
    return values;
  }

  /** The damping of the first parameter, for blocks of one. */
  double first() {
    return of(layout.names().get(0));
  }

  double of(String parameter) {
    return values.getOrDefault(parameter, 0.0);
  }

  double least() {
    return layout.names().stream().mapToDouble(this::of).min().orElse(0);
  }

  /** A number for each entry [d]. */
  INDArray entries() {
    double[] entries = new double[Math.toIntExact(layout.size())];
    for (String name : layout.names()) {
      int from = Math.toIntExact(layout.offset(name));
      Arrays.fill(entries, from, from + Math.toIntExact(layout.size(name)), of(name));
    }
    return Matrices.array(entries, layout.size());
  }

  @Override
  public String toString() {
    return values.toString();
  }
}
