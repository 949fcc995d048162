package org.backpack4j.samediff.internal.execution.run;

import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.backpack4j.samediff.NoRoomException;
import org.backpack4j.samediff.internal.execution.plan.Plan;
import org.backpack4j.samediff.internal.execution.plan.Value;

/**
 * The native memory that an evaluation takes, for the one who is told that there is not so much.
 *
 * @param plan what is to be done
 * @param names what is asked for
 */
public record MemoryDemand(Plan plan, List<String> names) {
  private static final int NAMED = 3;

  /** All of it, in bytes. */
  long bytes() {
    return plan.arenaBytes() + plan.resultBytes();
  }

  /** Refuses the evaluation if there is less room. */
  public void check(MemoryLimit room) {
    if (bytes() > room.bytes() || bytes() < 0) {
      throw refusal(room);
    }
  }

  /** Refuses the evaluation if the machine has no memory left for what it works in. */
  void checkArena() {
    if (plan.arenaBytes() > MemoryLimit.SMALL) {
      MemoryLimit room = MemoryLimit.left(plan.arenaBytes());
      if (plan.arenaBytes() > room.bytes()) {
        throw refusal(room);
      }
    }
  }

  /** Refuses the evaluation because the system does not grant the memory. */
  public NoRoomException notGranted() {
    return refusal("the system does not grant that much");
  }

  private NoRoomException refusal(MemoryLimit room) {
    return refusal("there is room for " + readable(room.bytes()) + " " + room.limit());
  }

  /** Says what needs how much, what most of it, and what to do. */
  private NoRoomException refusal(String verdict) {
    String asked =
        names.stream().limit(NAMED).collect(Collectors.joining("\", \"", "\"", "\""))
            + (names.size() > NAMED ? " and " + (names.size() - NAMED) + " more" : "");
    return new NoRoomException(
        "To evaluate "
            + asked
            + ", "
            + readable(plan.arenaBytes())
            + " are needed to work in and "
            + readable(plan.resultBytes())
            + " for the results, and "
            + verdict
            + "."
            + largest()
            + " Evaluate fewer samples or fewer outputs at once, give memoryBudget(…) less than it"
            + " has, or ask for a sampled quantity (DiagGGNMC) in place of an exact one.");
  }

  private String largest() {
    Map<Buffer, Value> largest = new HashMap<>();
    plan.places()
        .forEach(
            (value, place) -> {
              if (place.storage().kind == Buffer.Kind.ARENA
                  && value.bytes() == place.storage().bytes) {
                largest.merge(
                    place.storage(), value, (a, b) -> a.name.compareTo(b.name) < 0 ? a : b);
              }
            });
    return largest.values().stream()
        .max(Comparator.comparingLong(Value::bytes).thenComparing(v -> v.name))
        .map(
            v ->
                " The largest part is \""
                    + v.name
                    + "\", "
                    + v.type
                    + Arrays.toString(v.shape())
                    + ": "
                    + readable(v.bytes())
                    + ".")
        .orElse("");
  }

  /** Bytes in a unit that people read. */
  static String readable(long bytes) {
    return bytes < 1L << 30
        ? String.format("%.1f MiB", bytes / 0x1p20)
        : String.format("%.1f GiB", bytes / 0x1p30);
  }
}
