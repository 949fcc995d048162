package org.backpack4j.samediff.internal.evaluate;

import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import org.backpack4j.samediff.MemoryUse;
import org.backpack4j.samediff.internal.execution.run.MemoryLimit;
import org.backpack4j.samediff.internal.extend.Outputs;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Tensor;

/** What the outputs of an extended graph take: known before anything runs. */
public final class ResultMemory {
  private static final int LISTED = 3;

  private final Map<String, Tensor> quantities = new HashMap<>();

  public ResultMemory(Outputs outputs) {
    outputs
        .byParameter()
        .forEach(
            (parameter, fields) ->
                fields.forEach(
                    (field, value) -> quantities.put(Outputs.name(parameter, field), value)));
  }

  /** The bytes of those names that are quantities. */
  public long bytes(Collection<String> names, LongSupplier samples) {
    return names.stream().mapToLong(name -> bytes(name, samples)).reduce(0, Math::addExact);
  }

  private long bytes(String name, LongSupplier samples) {
    Tensor value = quantities.get(name);
    if (value == null) {
      return 0;
    }
    long bytes = value.type().width();
    for (Dim dim : value.dims().list()) {
      bytes = Math.multiplyExact(bytes, dim.size());
      bytes = dim.samples() ? Math.multiplyExact(bytes, samples.getAsLong()) : bytes;
    }
    return bytes;
  }

  /**
   * Refuses outputs that there is no room for.
   *
   * @throws IllegalArgumentException if they need more than there is
   */
  public void check(Collection<String> names, LongSupplier samples, MemoryLimit room) {
    long needed = bytes(names, samples);
    if (needed <= room.bytes()) {
      return;
    }
    Map<String, Long> each = new LinkedHashMap<>();
    names.stream()
        .filter(quantities::containsKey)
        .sorted(Comparator.comparingLong((String name) -> bytes(name, samples)).reversed())
        .limit(LISTED)
        .forEach(name -> each.put(name, bytes(name, samples)));
    String largest =
        each.entrySet().stream()
            .map(e -> e.getKey() + ": " + MemoryUse.readable(e.getValue()))
            .collect(Collectors.joining(", "));
    throw new IllegalArgumentException(
        "The outputs for "
            + samples.getAsLong()
            + " samples need "
            + MemoryUse.readable(needed)
            + ", and there is room for "
            + MemoryUse.readable(room.bytes())
            + " "
            + room.limit()
            + " (the largest are "
            + largest
            + "). Ask for fewer outputs at once or a smaller batch; batch_l2, sum_grad_squared and"
            + " variance need no gradient of each sample.");
  }
}
