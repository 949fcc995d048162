package org.backpack4j.samediff.internal.evaluate;

import java.util.Set;
import org.backpack4j.samediff.Refusal;
import org.jspecify.annotations.Nullable;

/**
 * What a variable is made of; or why it is nothing that batches have parts of.
 *
 * @param forms the summands; none if there is an obstacle
 * @param obstacle why it is none
 */
record Summands(Set<Summand> forms, @Nullable Refusal obstacle) {
  static Summands of(Summand form) {
    return new Summands(Set.of(form), null);
  }

  Summand only() {
    return forms.iterator().next();
  }

  boolean single() {
    return forms.size() == 1;
  }

  boolean fixed() {
    return forms.stream().allMatch(Summand::fixed);
  }

  boolean has(Summand.Kind kind) {
    return forms.stream().anyMatch(f -> f.kind() == kind);
  }
}
