package org.backpack4j.samediff.internal.execution.run;

/**
 * A piece of memory in which one or more variables of a plan lie: a variable, its reshapes and
 * slices, and whatever is computed in place.
 */
public final class Buffer {
  /** Whose memory it is. */
  public enum Kind {
    /** The plan's own. */
    ARENA,
    /** The array of a parameter or constant of the graph, read where it is. */
    SOURCE,
    /** The array of a feed, read where it is. */
    FEED,
    /** The array that the caller gets as a result, computed where it is. */
    RESULT,
    /** An array that was computed when the plan was made, or one without elements. */
    KNOWN
  }

  public Kind kind;
  public final long bytes;

  /** The first and the last time it holds something, as positions in the plan's list of ops. */
  public int birth;

  int death;

  /** Where it begins in the arena, in bytes. */
  public long address = -1;

  public Buffer(Kind kind, long bytes, int birth) {
    this.kind = kind;
    this.bytes = bytes;
    this.birth = birth;
    this.death = birth;
  }

  public void usedAt(int time) {
    death = Math.max(death, time);
  }

  /** Whether it may lie somewhere else at the next run. */
  boolean moves() {
    return kind == Kind.SOURCE || kind == Kind.FEED || kind == Kind.RESULT;
  }

  public boolean overlapsInTime(Buffer other) {
    return birth <= other.death && other.birth <= death;
  }
}
