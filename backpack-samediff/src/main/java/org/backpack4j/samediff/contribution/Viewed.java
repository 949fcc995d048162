package org.backpack4j.samediff.contribution;

import org.backpack4j.samediff.graph.Dim;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.Tensor;
import org.jspecify.annotations.Nullable;

/** A contribution to a parameter that passes a view before its op. Only results are rearranged. */
record Viewed(Contribution inner, View view) implements Contribution {
  @Override
  public Emitter emit() {
    return inner.emit();
  }

  @Override
  public @Nullable Tensor signs() {
    return inner.signs();
  }

  @Override
  public Dim samples() {
    return inner.samples();
  }

  @Override
  public Tensor perSample() {
    return view.undo(inner.perSample(), 2);
  }

  @Override
  public Tensor sum() {
    return view.undo(inner.sum(), 1);
  }

  @Override
  public Tensor squaredPerSample() {
    return view.undo(inner.squaredPerSample(), 1);
  }

  @Override
  public Tensor squaredSum() {
    return view.undo(inner.squaredSum(), 0);
  }

  @Override
  public Tensor squaredNorm() {
    return inner.squaredNorm();
  }

  @Override
  public Tensor variance() {
    return view.undo(inner.variance(), 0);
  }
}
