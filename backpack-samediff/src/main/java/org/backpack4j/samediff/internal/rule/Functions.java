package org.backpack4j.samediff.internal.rule;

import java.util.Map;
import java.util.TreeMap;
import org.backpack4j.samediff.internal.autodiff.Rule;

/** The elementwise functions of one input, by the name of the op. */
final class Functions {
  private Functions() {}

  static Map<String, Rule> table() {
    Map<String, Rule> table = new TreeMap<>();
    table.putAll(LinearFunctions.table());
    table.putAll(Activations.table());
    table.putAll(PowerFunctions.table());
    table.putAll(TranscendentalFunctions.table());
    Rule dropout = new DropoutRule();
    table.put("ClipByValue", new ClipRule());
    table.put("cast", new CastRule());
    table.put("clipbyavgnorm", new ClipByNormRule(true));
    table.put("clipbynorm", new ClipByNormRule(false));
    table.put("crelu", new ConcatenatedReluRule());
    table.put("dropout", dropout);
    table.put("dropout_inverted", dropout);
    return table;
  }

  /** Enters a function under its own name. */
  static void put(Map<String, Rule> table, UnaryRule rule) {
    table.put(rule.name(), rule);
  }
}
