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
    int rows = (int) matrix.get(0).size();
    int columns = (int) matrix.get(1).size();
    Tensor eye =
        e.constant(
            java.util.List.of("eye", site.type(0), rows, columns),
            () ->
                org.nd4j.linalg.factory.Nd4j.eye(Math.max(rows, columns))
                    .get(
                        org.nd4j.linalg.indexing.NDArrayIndex.interval(0, rows),
                        org.nd4j.linalg.indexing.NDArrayIndex.interval(0, columns))
                    .dup('c')
                    .castTo(site.type(0)));
    Dims ones = Dims.SCALAR;
    for (int k = 0; k < signal.rank(); k++) {
      ones = ones.plus(Dim.ONE);
    }
    Tensor spread = e.reshape(signal, signal.dims().plus(Dim.ONE, Dim.ONE));
    return e.mul(spread, e.reshape(eye, ones.plus(matrix)));
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
