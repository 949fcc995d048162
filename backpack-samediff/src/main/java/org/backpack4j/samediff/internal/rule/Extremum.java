package org.backpack4j.samediff.internal.rule;

import java.util.List;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.nd4j.linalg.api.buffer.DataType;

/** Which entry a reduction picks: the cotangent goes to that one alone, the first of equal ones. */
enum Extremum {
  LARGEST("maximum", 1, false),
  SMALLEST("minimum", -1, false),
  LARGEST_SIZE("maximum of |x|", 1, true),
  SMALLEST_SIZE("minimum of |x|", -1, true);

  private final String title;
  private final int factor;
  private final boolean size;

  Extremum(String title, int factor, boolean size) {
    this.title = title;
    this.factor = factor;
    this.size = size;
  }

  String title() {
    return title;
  }

  /** One at the entry that was picked, or its sign; zero elsewhere. */
  Tensor slope(Group g) {
    Emitter e = g.e();
    Rows rows = Rows.of(g);
    Tensor compared = e.scale(size ? e.abs(rows.value()) : rows.value(), factor);
    long length = rows.length().size();
    Tensor index =
        e.op(
            List.of("argmax"),
            compared.dims().range(0, 2),
            DataType.INT64,
            true,
            List.of(compared),
            () -> e.graph().argmax(compared.variable(), 2));
    Tensor picked =
        e.op(
            List.of("onehot", length, g.context().type(0)),
            compared.dims(),
            g.context().type(0),
            true,
            List.of(index),
            () -> e.graph().oneHot(index.variable(), (int) length, 2, 1, 0, g.context().type(0)));
    Tensor back = rows.back(picked);
    return size ? e.mul(back, e.sign(g.x())) : back;
  }
}
