package org.backpack4j.examples.reference;

/**
 * The loss of a case, by PyTorch's definitions.
 *
 * @param type {@code cross_entropy}, {@code mse} or {@code bce_with_logits}
 * @param reduction {@code mean} or {@code sum}
 * @param attributes what else is said of it
 */
record LossSpec(String type, String reduction, Attributes attributes) {

  String key() {
    return type.replace("_", "").toLowerCase(java.util.Locale.ROOT);
  }
}
