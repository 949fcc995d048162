package org.backpack4j.examples.reference;

import java.util.List;
import java.util.Locale;

/**
 * One node of a case.
 *
 * @param name the node's name, and the first part of its parameters' names
 * @param op PyTorch's name of the module or function
 * @param inputs the nodes, placeholders or parameters that it reads
 * @param attributes its attributes
 * @param owner the node whose parameters it uses: itself, unless it shares another's
 */
record CaseNode(String name, String op, List<String> inputs, Attributes attributes, String owner) {

  /** The op in one spelling: {@code Conv2d}, {@code conv_2d} and {@code nn.Conv2d} are one. */
  String key() {
    String plain = op.substring(op.lastIndexOf('.') + 1);
    return plain.replace("_", "").toLowerCase(Locale.ROOT);
  }
}
