package org.backpack4j.samediff.internal.ir;

/**
 * What keeps a graph from being extended at all.
 *
 * @param where the placeholder, node or variable
 * @param reason what is the matter, a sentence without a full stop
 * @param remedy what to do, a sentence without a full stop
 */
public record GraphProblem(String where, String reason, String remedy) {
  @Override
  public String toString() {
    return where + ": " + reason + "; " + remedy + ".";
  }
}
