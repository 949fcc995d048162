package org.backpack4j.samediff.internal.faults;

/**
 * Something that ND4J 1.0.0-M2.1 gets wrong in a person's own graph, without a word.
 *
 * @param node the variable that the op computes, or the parameter or constant
 * @param problem what goes wrong, in sentences
 * @param cure what the person can do about it, in sentences
 */
public record Fault(String node, String problem, String cure) {
  /**
   * The fault as one line for a person to read.
   *
   * @return the node, what goes wrong, and what to do
   */
  public String message() {
    return "\"" + node + "\": " + problem + " " + cure;
  }
}
