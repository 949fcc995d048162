package org.backpack4j.samediff;

import java.util.LinkedHashMap;
import java.util.Map;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.Tensor;

/** The outputs of an extended graph: for each parameter its quantities, by field. */
final class Outputs {
  private final Map<String, Map<String, Tensor>> byParameter = new LinkedHashMap<>();

  /** The one place where an output's name is made. */
  static String name(String parameter, String field) {
    return parameter + "." + field;
  }

  void put(String parameter, String field, Tensor value) {
    byParameter.computeIfAbsent(parameter, p -> new LinkedHashMap<>()).put(field, value);
  }

  /** Gives every output its name in the graph. */
  void named(Emitter emit) {
    byParameter.forEach(
        (parameter, fields) ->
            fields.forEach((field, value) -> emit.name(value, name(parameter, field))));
  }

  Map<String, Map<String, Tensor>> byParameter() {
    return byParameter;
  }
}
