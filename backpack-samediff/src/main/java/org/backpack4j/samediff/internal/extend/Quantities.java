package org.backpack4j.samediff.internal.extend;

import java.util.List;
import java.util.Map;
import java.util.Set;
import org.backpack4j.samediff.Refusal;
import org.backpack4j.samediff.extension.Extension;

/**
 * What will be computed.
 *
 * @param parameters the parameters asked for
 * @param extensions the quantities asked for
 * @param refused for a parameter the fields that cannot be had
 * @param refusals why
 * @param notes where second-order quantities start otherwise than one might think
 */
public record Quantities(
    Set<String> parameters,
    List<Extension> extensions,
    Map<String, Set<String>> refused,
    List<Refusal> refusals,
    List<String> notes) {
  boolean has(String parameter, String field) {
    return !refused.getOrDefault(parameter, Set.of()).contains(field);
  }
}
