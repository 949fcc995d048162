package org.backpack4j.samediff.contribution;

import java.util.List;
import java.util.function.Function;
import org.backpack4j.samediff.graph.Dim;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.Tensor;
import org.jspecify.annotations.Nullable;

/** Contributions of one source to one parameter, whose per-sample parts add up. */
interface Parts extends Contribution {
  /** The contributions, at least one. */
  List<Contribution> parts();

  @Override
  default Emitter emit() {
    return parts().get(0).emit();
  }

  @Override
  default @Nullable Tensor signs() {
    return parts().get(0).signs();
  }

  @Override
  default Dim samples() {
    return parts().get(0).samples();
  }

  @Override
  default Tensor perSample() {
    return total(Contribution::perSample);
  }

  @Override
  default Tensor sum() {
    return total(Contribution::sum);
  }

  /** What each part answers, added up. */
  default Tensor total(Function<Contribution, Tensor> part) {
    return parts().stream().map(part).reduce(emit()::add).orElseThrow();
  }
}
