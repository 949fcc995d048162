package org.backpack4j.samediff.execution;

/**
 * A piece of memory in which one or more variables of a plan lie: a variable, its reshapes and
 * slices, and whatever is computed in place.
 */
final class Storage {
  /** Whose memory it is. */
  enum Kind {
    /** The plan's own. */
    ARENA,
    /** The array of a parameter or constant of the graph, read where it is. */
    SOURCE,
    /** An array that was computed when the plan was made, or one without elements. */
    KNOWN
  }

  final Kind kind;
  final long bytes;

  /** The first and the last time it holds something, as positions in the plan's list of ops. */
  int birth;

  int death;

  /** Where it begins in the arena, in bytes. */
  long address = -1;

  Storage(Kind kind, long bytes, int birth) {
    this.kind = kind;
    this.bytes = bytes;
    this.birth = birth;
    this.death = birth;
  }

  void usedAt(int time) {
    death = Math.max(death, time);
  }

  boolean overlapsInTime(Storage other) {
    return birth <= other.death && other.birth <= death;
  }
}
