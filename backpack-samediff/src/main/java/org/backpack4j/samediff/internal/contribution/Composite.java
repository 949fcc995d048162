package org.backpack4j.samediff.internal.contribution;

import java.util.List;
import java.util.function.Function;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.ParameterVjp;
import org.backpack4j.samediff.spi.Tensor;
import org.jspecify.annotations.Nullable;

/** Contributions of one source to one parameter, whose per-sample parts add up. */
interface Composite extends ParameterVjp {
  /** The contributions, at least one. */
  List<ParameterVjp> parts();

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
    return total(ParameterVjp::perSample);
  }

  @Override
  default Tensor sum() {
    return total(ParameterVjp::sum);
  }

  /** What each part answers, added up. */
  default Tensor total(Function<ParameterVjp, Tensor> part) {
    return parts().stream().map(part).reduce(emit()::add).orElseThrow();
  }
}
