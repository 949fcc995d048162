package org.backpack4j.dl4j.internal.listen;

/**
 * What was found out about a gradient that is not DL4J's.
 *
 * @param kind who is right
 * @param why what a person is told: the same text for all parameters of which it holds
 * @param numbers the numbers that show it
 */
record Verdict(Kind kind, String why, String numbers) {
  /** Who is right. */
  enum Kind {
    /** Both, up to rounding. */
    ROUNDING,
    /** Ours: DL4J's gradient is not the derivative of the network's loss. */
    OURS,
    /** It could not be found out. */
    UNDECIDED,
    /** DL4J's, or neither. */
    NOT_OURS
  }
}
