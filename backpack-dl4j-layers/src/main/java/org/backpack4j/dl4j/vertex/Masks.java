package org.backpack4j.dl4j.vertex;

import java.util.List;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;

/** Masks of vertices with several inputs. */
final class Masks {
  private Masks() {}

  /** What is there in one of the inputs at least; null if one of them has no mask: all is there. */
  static @Nullable SDVariable either(Site site, List<Value> inputs) {
    SDVariable first = inputs.get(0).mask();
    if (inputs.stream().allMatch(v -> v.mask() == first)) {
      return first;
    }
    SDVariable count = null;
    for (Value input : inputs) {
      SDVariable mask = input.mask();
      if (mask == null) {
        return null;
      }
      SDVariable present = mask.neq(0).castTo(site.type());
      count = count == null ? present : count.add(present);
    }
    return count == null ? null : count.gt(0).castTo(site.type());
  }
}
