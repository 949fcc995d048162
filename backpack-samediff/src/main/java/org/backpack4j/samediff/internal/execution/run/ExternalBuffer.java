package org.backpack4j.samediff.internal.execution.run;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.backpack4j.samediff.internal.execution.plan.BufferSlice;
import org.backpack4j.samediff.internal.execution.plan.Value;

/**
 * Memory of somebody else's that a machine works in: a parameter's, a feed's or a result's array.
 * It may be another one at each run; only then the calls that touch it have to be bound anew.
 */
final class ExternalBuffer {
  private final List<Value> values = new ArrayList<>();
  private final List<PlanExecutor.Prepared> dependents = new ArrayList<>();
  private long address;

  /** The grounds of all storages that may move. */
  static Map<Buffer, ExternalBuffer> of(
      Map<Value, BufferSlice> places,
      Iterable<Value> values,
      Iterable<PlanExecutor.Prepared> calls) {
    Map<Buffer, ExternalBuffer> grounds = new HashMap<>();
    for (Value value : values) {
      BufferSlice place = places.get(value);
      if (place != null && place.storage().moves()) {
        grounds.computeIfAbsent(place.storage(), key -> new ExternalBuffer()).values.add(value);
      }
    }
    for (PlanExecutor.Prepared call : calls) {
      Set<ExternalBuffer> touched = new LinkedHashSet<>();
      for (Value value : call.step().values()) {
        BufferSlice place = places.get(value);
        ExternalBuffer ground = place == null ? null : grounds.get(place.storage());
        if (ground != null && touched.add(ground)) {
          ground.dependents.add(call);
        }
      }
    }
    return grounds;
  }

  /** What lies in it. */
  List<Value> values() {
    return values;
  }

  /** The calls that read or write in it. */
  List<PlanExecutor.Prepared> dependents() {
    return dependents;
  }

  /**
   * Says where it is now.
   *
   * @return whether it was elsewhere before
   */
  boolean moveTo(long newAddress) {
    boolean moved = newAddress != address;
    address = newAddress;
    return moved;
  }

  long address() {
    return address;
  }
}
