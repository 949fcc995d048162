package org.backpack4j.samediff.internal.extend;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.backpack4j.samediff.Refusal;
import org.backpack4j.samediff.UnsupportedGraphException;
import org.backpack4j.samediff.extension.Extension;

/**
 * What will be computed.
 *
 * @param parameters the parameters asked for
 * @param extensions the quantities asked for
 * @param predictions what second-order quantities start at
 * @param refused for a parameter the fields that cannot be had
 * @param refusals why
 * @param notes what is otherwise than one might think, and no reason to refuse anything
 * @param lenient whether what cannot be had is left out
 */
public record Quantities(
    Set<String> parameters,
    List<Extension> extensions,
    List<String> predictions,
    Map<String, Set<String>> refused,
    List<Refusal> refusals,
    List<String> notes,
    boolean lenient) {
  boolean has(String parameter, String field) {
    return !refused.getOrDefault(parameter, Set.of()).contains(field);
  }

  /**
   * Refuses a quantity of all parameters.
   *
   * @throws UnsupportedGraphException unless what cannot be had is to be left out
   */
  void refuse(Extension extension, String node, String reason, String remedy) {
    Refusal refusal = new Refusal(extension.field(), node, reason, remedy);
    if (!lenient) {
      throw new UnsupportedGraphException(List.of(refusal));
    }
    refuse(List.of(extension), List.of(refusal));
  }

  /** Leaves out quantities of all parameters. */
  void refuse(List<Extension> extensions, List<Refusal> why) {
    refusals.addAll(why);
    for (String parameter : parameters) {
      extensions.forEach(
          e -> refused.computeIfAbsent(parameter, p -> new LinkedHashSet<>()).add(e.field()));
    }
  }
}
