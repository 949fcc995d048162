package org.backpack4j.samediff.internal.extend;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;

/** What has been emitted of the quantities so far, by parameter and field. */
final class QuantityFields {
  static final String GRAD = "grad";
  static final String PENALTY = "grad_penalty";

  private final Map<String, Map<String, Tensor>> fields = new HashMap<>();
  private final Emitter emit;
  private final Quantities quantities;
  private final Outputs outputs;

  QuantityFields(Emitter emit, Quantities quantities, Outputs outputs) {
    this.emit = emit;
    this.quantities = quantities;
    this.outputs = outputs;
  }

  private Map<String, Tensor> of(String parameter) {
    return fields.computeIfAbsent(parameter, p -> new LinkedHashMap<>());
  }

  private static String name(Extension extension, Extension.Result result) {
    return result.name().isEmpty() ? extension.field() : extension.field() + "." + result.name();
  }

  private static boolean isOf(String name, String field) {
    return name.equals(field) || name.startsWith(field + ".");
  }

  /** Whether there is something of an extension. */
  boolean has(String parameter, Extension extension) {
    return of(parameter).keySet().stream().anyMatch(name -> isOf(name, extension.field()));
  }

  void put(String parameter, String field, Tensor value) {
    of(parameter).put(field, value);
  }

  void put(String parameter, Extension extension, Extension.Result result) {
    put(parameter, name(extension, result), result.value());
  }

  /**
   * Adds a result to what is there of it.
   *
   * @param scope where the sum is emitted
   */
  void add(String parameter, String scope, Extension extension, Extension.Result result) {
    of(parameter)
        .merge(
            name(extension, result),
            result.value(),
            (a, b) -> result.summed() ? emit.in(scope, () -> emit.add(a, b)) : a);
  }

  void noteAxes(String parameter, Extension extension, Extension.Result result) {
    List<Integer> axes = result.outputAxes();
    if (axes != null) {
      outputs.outputAxes(Outputs.name(parameter, name(extension, result)), axes);
    }
  }

  /** The gradient first, then the extensions' quantities in the order in which they were given. */
  void handOn(String parameter) {
    List<String> order = new ArrayList<>(List.of(GRAD, PENALTY));
    quantities.extensions().forEach(e -> order.add(e.field()));
    for (String field : order) {
      of(parameter)
          .forEach(
              (name, value) -> {
                if (isOf(name, field)) {
                  outputs.put(parameter, name, value);
                }
              });
    }
  }

  /** Refuses names of results of all parameters together that are variables of the graph. */
  void checkNames() {
    of(Outputs.TOGETHER).keySet().stream()
        .filter(emit.graph()::hasVariable)
        .findFirst()
        .ifPresent(
            name -> {
              throw Emitter.taken(name);
            });
  }
}
