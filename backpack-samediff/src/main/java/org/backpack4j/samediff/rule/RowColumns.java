package org.backpack4j.samediff.rule;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.backprop.Curvature;
import org.backpack4j.samediff.graph.Dim;
import org.backpack4j.samediff.graph.Dims;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.Tensor;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Collects the signed columns of symmetric matrices, one matrix [D, D] for each row [N, R, D] of an
 * op that works along axes.
 */
final class RowColumns {
  private final Emitter e;
  private final List<Tensor> columns = new ArrayList<>(); // [N, R, K, D]
  private final List<Tensor> signs = new ArrayList<>(); // [N, R, K]

  RowColumns(Emitter e) {
    this.e = e;
  }

  /** [N, 1, R, D] as [N, R, D]. */
  static Tensor row(Emitter e, Tensor rows) {
    return e.reshape(rows, Dims.of(rows.dims().get(0)).plus(rows.dims().from(2)));
  }

  /** Adds diag(d), d [N, R, D]. */
  RowColumns diagonal(Tensor d) {
    Tensor roots = e.sqrt(e.abs(d));
    columns.add(e.mul(apart(roots), eye(d)));
    signs.add(e.sign(d));
    return this;
  }

  /** Adds m (I − 1 1ᵀ/D), m [N, R, 1]; like is any [N, R, D]. */
  RowColumns centring(Tensor m, Tensor like) {
    long d = like.dims().get(2).size();
    Tensor centring =
        e.constant(
            List.of("centring", d, like.type()),
            () -> Nd4j.eye(d).subi(1.0 / d).castTo(like.type()).reshape(1, 1, d, d));
    columns.add(e.mul(apart(e.sqrt(e.abs(m))), centring));
    signs.add(e.broadcast(e.sign(m), like.dims()));
    return this;
  }

  /** Adds w (diag p − p pᵀ), the covariance of one draw, p [N, R, D] and w [N, R, 1]. */
  RowColumns covariance(Tensor p, Tensor w) {
    Tensor root = e.sqrt(e.abs(w));
    columns.add(e.mul(apart(e.mul(e.sqrt(p), root)), eye(p)));
    signs.add(e.broadcast(e.sign(w), p.dims()));
    columns.add(e.reshape(e.mul(p, root), p.dims().range(0, 2).plus(Dim.ONE, p.dims().get(2))));
    signs.add(e.scale(e.sign(w), -1));
    return this;
  }

  /**
   * Adds −(a bᵀ + b aᵀ), a and b [N, R, D]: both scaled to one norm, (a + b)/√2 with the sign − and
   * (a − b)/√2 with the sign +.
   */
  RowColumns minusSymmetric(Tensor a, Tensor b) {
    Tensor normA = norm(a);
    Tensor normB = norm(b);
    Tensor root = e.sqrt(e.scale(e.mul(normA, normB), 0.5));
    Tensor left = e.mul(e.mul(a, inverse(normA)), root);
    Tensor right = e.mul(e.mul(b, inverse(normB)), root);
    Dims one = Dims.of(a.dims().get(0), a.dims().get(1), Dim.ONE, a.dims().get(2));
    columns.add(e.reshape(e.add(left, right), one));
    columns.add(e.reshape(e.sub(left, right), one));
    Tensor minus = constant(a.type(), -1);
    Dims each = a.dims().with(2, Dim.ONE);
    signs.add(e.broadcast(minus, each));
    signs.add(e.broadcast(constant(a.type(), 1), each));
    return this;
  }

  private Tensor constant(DataType type, double value) {
    return e.literal(value, type, Dims.of(1, 1, 1));
  }

  private Tensor norm(Tensor a) {
    Tensor squares = e.sum(e.square(a), 2, 3);
    return e.sqrt(e.reshape(squares, a.dims().with(2, Dim.ONE)));
  }

  /** One over a norm; zero where it is zero. */
  private Tensor inverse(Tensor norm) {
    Tensor positive = e.greater(norm, 0);
    return e.div(positive, e.add(norm, e.minus(1, positive)));
  }

  /** [N, R, K] as [N, R, K, 1]. */
  private Tensor apart(Tensor t) {
    return e.reshape(t, t.dims().plus(Dim.ONE));
  }

  private Tensor eye(Tensor like) {
    long d = like.dims().get(2).size();
    return e.reshape(e.eye(like.type(), d), Dims.of(1, 1, d, d));
  }

  /** All columns, as curvature with respect to the first input. */
  Curvature curvature(Along along) {
    Tensor all = along.spread(e.concat(2, columns));
    Tensor sign = e.concat(2, signs);
    return new Curvature(
        Map.of(0, all), e.reshape(sign, Dims.of(all.dims().get(0), all.dims().get(1))));
  }
}
