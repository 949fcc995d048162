package org.backpack4j.samediff.internal.faults;

/**
 * Something that ND4J 1.0.0-M2.1 gets wrong in a person's own graph, without a word.
 *
 * @param node the variable that the op computes, or the parameter or constant
 * @param problem what goes wrong, in sentences
 * @param cure what the person can do about it, in sentences
 * @param ofGradient whether only those meet it who have SameDiff differentiate the graph
 */
public record Fault(String node, String problem, String cure, boolean ofGradient) {
  /** A fault that every evaluation of the graph may meet. */
  static Fault ofEvaluation(String node, String problem, String cure) {
    return new Fault(node, problem, cure, false);
  }

  /** A fault of the gradient that SameDiff computes, as {@code fit} does. */
  static Fault ofGradient(String node, String problem, String cure) {
    return new Fault(node, problem, cure, true);
  }

  /**
   * The fault as one line for a person to read.
   *
   * @return the node, what goes wrong, and what to do
   */
  public String message() {
    return "\"" + node + "\": " + problem + " " + cure;
  }
}
