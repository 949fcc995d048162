package org.backpack4j.samediff.execution;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Memory of somebody else's that a machine works in: a parameter's, a feed's or a result's array.
 * It may be another one at each run; only then the calls that touch it have to be bound anew.
 */
final class Ground {
  private final List<Value> values = new ArrayList<>();
  private final List<Machine.Prepared> dependents = new ArrayList<>();
  private long address;

  /** The grounds of all storages that may move. */
  static Map<Storage, Ground> of(Iterable<Value> values, Iterable<Machine.Prepared> calls) {
    Map<Storage, Ground> grounds = new HashMap<>();
    for (Value value : values) {
      if (value.storage != null && value.storage().moves()) {
        grounds.computeIfAbsent(value.storage(), key -> new Ground()).values.add(value);
      }
    }
    for (Machine.Prepared call : calls) {
      Set<Ground> touched = new LinkedHashSet<>();
      call.values()
          .forEach(
              value -> {
                Ground ground = value.storage == null ? null : grounds.get(value.storage);
                if (ground != null && touched.add(ground)) {
                  ground.dependents.add(call);
                }
              });
    }
    return grounds;
  }

  /** What lies in it. */
  List<Value> values() {
    return values;
  }

  /** The calls that read or write in it. */
  List<Machine.Prepared> dependents() {
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
