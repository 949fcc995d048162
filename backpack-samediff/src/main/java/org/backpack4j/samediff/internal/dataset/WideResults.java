package org.backpack4j.samediff.internal.dataset;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.backpack4j.samediff.extension.Combination;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A batch's results in double precision, in the same memory for each batch. */
final class WideResults {
  private final Map<String, Doubles> memory = new LinkedHashMap<>();

  /**
   * The results of a batch that are summed up.
   *
   * @param arrays by name
   * @param wrong the names of all results that are not finite
   */
  record Exact(Map<String, INDArray> arrays, List<String> wrong) {}

  /**
   * Puts a batch's results in double precision.
   *
   * @throws IllegalArgumentException if one does not fit its sum
   */
  Exact of(KnownGraph known, Map<String, INDArray> results, Totals totals) {
    Map<String, INDArray> exact = new LinkedHashMap<>();
    List<String> wrong = new ArrayList<>();
    results.forEach(
        (name, array) -> {
          Quantity quantity = known.quantities().get(name);
          boolean summed = quantity != null && !quantity.is(Combination.Kind.ROWS);
          INDArray wide = summed ? wide(name, array) : array;
          if (!Double.isFinite(Doubles.total(wide))) {
            wrong.add(name);
          }
          if (summed) {
            exact.put(name, wide);
            totals.checkFits(name, wide, "in the batches before");
          }
        });
    return new Exact(exact, wrong);
  }

  /** A result in double precision, in memory that the next batch's will take. */
  private INDArray wide(String name, INDArray array) {
    return array.dataType() == DataType.DOUBLE ? array : copy(name, array);
  }

  /** A copy in double precision, in memory that the next one of that name will take. */
  private INDArray copy(String name, INDArray array) {
    Doubles place = memory.get(name);
    if (place == null || !Arrays.equals(place.array().shape(), array.shape())) {
      if (place != null) {
        place.close();
      }
      place = Doubles.of(array.shape());
      memory.put(name, place);
    }
    return place.array().assign(array);
  }

  /** The sums of the samples' gradients, without penalties, by parameter. */
  Map<String, INDArray> gradients(KnownGraph known, Map<String, INDArray> exact) {
    Map<String, INDArray> gradients = new LinkedHashMap<>();
    boolean kept = known.has(Combination.Kind.VARIANCE);
    for (Quantity quantity : known.quantities().values()) {
      if (quantity.field().equals(Quantity.GRADIENT)) {
        INDArray gradient = Objects.requireNonNull(exact.get(quantity.name()));
        INDArray part = exact.get(quantity.parameter() + "." + Quantity.PENALTY);
        if (part != null) {
          gradient.subi(part);
        }
        if (kept) {
          gradients.put(quantity.parameter(), copy(quantity.name() + " kept", gradient));
        }
      }
    }
    return gradients;
  }

  void close() {
    memory.values().forEach(Doubles::close);
    memory.clear();
  }
}
