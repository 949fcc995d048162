package org.backpack4j.samediff.internal.extend;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.jspecify.annotations.Nullable;

/** The outputs of an extended graph: for each parameter its quantities, by field. */
public final class Outputs {
  private final Map<String, Map<String, Tensor>> byParameter = new LinkedHashMap<>();
  private final Map<String, List<Integer>> outputAxes = new LinkedHashMap<>();
  private @Nullable Noise noise;
  private final Set<Tensor> seeds = new LinkedHashSet<>();

  /** In the place of a parameter's name: results of all of them together. */
  public static final String TOGETHER = "";

  /** The random numbers of sampled quantities; null if there are none. */
  public @Nullable Noise noise() {
    return noise;
  }

  /** Notes what random numbers the sampled quantities take. */
  void draws(Noise numbers) {
    noise = numbers;
  }

  /** Notes where backpropagation starts. */
  void startsAt(Tensor seed) {
    seeds.add(seed);
  }

  public Set<Tensor> seeds() {
    return seeds;
  }

  /** The one place where an output's name is made. */
  public static String name(String parameter, String field) {
    return parameter.equals(TOGETHER) ? field : parameter + "." + field;
  }

  void put(String parameter, String field, Tensor value) {
    byParameter.computeIfAbsent(parameter, p -> new LinkedHashMap<>()).put(field, value);
  }

  /** Notes which axes of a weight are the rows of a Kronecker factor of its outputs. */
  void outputAxes(String factor, List<Integer> axes) {
    outputAxes.put(factor, axes);
  }

  /** The axes of a weight that are the rows of a factor of its outputs, by the factor's name. */
  public Map<String, List<Integer>> outputAxes() {
    return outputAxes;
  }

  /** Gives every output its name in the graph. */
  void named(Emitter emit) {
    byParameter.forEach(
        (parameter, fields) ->
            fields.forEach((field, value) -> emit.name(value, name(parameter, field))));
  }

  /** The names of all outputs. */
  public List<String> names() {
    List<String> names = new ArrayList<>();
    byParameter.forEach((p, fields) -> fields.keySet().forEach(f -> names.add(name(p, f))));
    return names;
  }

  public Map<String, Map<String, Tensor>> byParameter() {
    return byParameter;
  }
}
