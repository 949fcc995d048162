package org.backpack4j.examples.reference;

import java.util.HashMap;
import java.util.Map;

/** Every module that a case may use, by {@link CaseNode#key() key}. */
final class Modules {

  private static final Map<String, Module> TABLE = table();

  private Modules() {}

  static Module of(CaseNode node) {
    Module module = TABLE.get(node.key());
    if (module == null) {
      throw new UnsupportedCaseException("the op " + node.op() + " is not known");
    }
    return module;
  }

  private static Map<String, Module> table() {
    Map<String, Module> table = new HashMap<>();
    Activations.register(table);
    Arithmetic.register(table);
    Attention.register(table);
    Convolutions.register(table);
    Linears.register(table);
    Normalisations.register(table);
    Paddings.register(table);
    Poolings.register(table);
    Recurrences.register(table);
    Reductions.register(table);
    Shapes.register(table);
    TransposedConvolutions.register(table);
    return Map.copyOf(table);
  }
}
