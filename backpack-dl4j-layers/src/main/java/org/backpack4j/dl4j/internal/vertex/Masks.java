package org.backpack4j.dl4j.internal.vertex;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;

/** Masks of vertices with several inputs. */
final class Masks {
  private Masks() {}

  /** What is there in one of the inputs at least; null if one of them has no mask: all is there. */
  static @Nullable LayerOutput either(ConversionContext context, List<LayerOutput> inputs) {
    LayerOutput first = inputs.get(0).mask();
    if (inputs.size() == 1) {
      return first;
    }
    if (inputs.stream().anyMatch(v -> v.mask() == null)) {
      return null;
    }
    LayerOutput mask = Objects.requireNonNull(first);
    SDVariable count = null;
    for (LayerOutput input : inputs) {
      LayerOutput other = Objects.requireNonNull(input.mask());
      if (!Arrays.equals(other.shape(), mask.shape()) || other.steps() != mask.steps()) {
        throw context.refuse(
            "masks of the features reach it that have different shapes, " + mask + " and " + other,
            "train without features' masks, or bring the inputs to the same length first");
      }
      SDVariable present = other.variable().neq(0).castTo(context.type());
      count = count == null ? present : count.add(present);
    }
    return mask.with(Objects.requireNonNull(count).gt(0).castTo(context.type()));
  }
}
