package org.backpack4j.samediff.rule;

import java.util.Set;
import org.backpack4j.samediff.backprop.Placements;
import org.backpack4j.samediff.backprop.Rule;
import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.graph.Dim;
import org.backpack4j.samediff.graph.Dims;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.Placement;
import org.backpack4j.samediff.graph.Tensor;
import org.nd4j.linalg.api.buffer.DataType;

/** {@code trace} of matrices on the last two axes: the signal goes to the diagonal. */
final class TraceRule implements Rule {
  @Override
  public Placement place(Site site, int output) {
    Placement place = site.placement(0);
    if (!place.hasSamples()) {
      return Placements.withoutAxis(site);
    }
    return place.axis() < site.dims(0).rank() - 2
        ? place
        : Placement.reduced("the trace runs over the sample axis");
  }

  @Override
  public Tensor pull(Site site, int input, int output, Tensor signal) {
    Emitter e = site.emit();
    Dims matrix = site.dims(0).from(site.dims(0).rank() - 2);
    Tensor eye = diagonal(e, site.type(0), matrix.get(0).size(), matrix.get(1).size());
    Dims ones = Dims.SCALAR;
    for (int k = 0; k < signal.rank(); k++) {
      ones = ones.plus(Dim.ONE);
    }
    Tensor spread = e.reshape(signal, signal.dims().plus(Dim.ONE, Dim.ONE));
    return e.mul(spread, e.reshape(eye, ones.plus(matrix)));
  }

  /** Ones on the diagonal, as large as one of the matrices. */
  private static Tensor diagonal(Emitter e, DataType type, long rows, long columns) {
    long square = Math.min(rows, columns);
    return rows > columns
        ? e.pad(e.identity(type, columns, 0, square), 0, 0, rows - square)
        : e.identity(type, columns, 0, square);
  }

  @Override
  public boolean linear(Site site, Set<Integer> active) {
    return true;
  }

  @Override
  public String name() {
    return "trace";
  }
}
