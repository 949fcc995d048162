package org.backpack4j.samediff.internal.rewrite;

import java.util.ArrayList;
import java.util.List;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * The time steps of a recurrent layer, which is written out step by step. What does not depend on
 * the step before is computed for all steps at once: one matrix product, not T.
 */
final class Sequence {
  /** Where time, samples and features stand: the position of each in a shape. */
  enum Format {
    TIME_SAMPLES_FEATURES(0, 1, 2),
    SAMPLES_TIME_FEATURES(1, 0, 2),
    SAMPLES_FEATURES_TIME(2, 0, 1);

    private final int time;
    private final int samples;
    private final int features;

    Format(int time, int samples, int features) {
      this.time = time;
      this.samples = samples;
      this.features = features;
    }

    int features() {
      return features;
    }
  }

  private final RewriteSite context;
  private final Format format;
  private final Dim samples;
  private final long length;

  /**
   * The steps of a value.
   *
   * @param context the node
   * @param dims the value's shape
   * @param format how it is laid out
   */
  Sequence(RewriteSite context, Dims dims, Format format) {
    this.context = context;
    this.format = format;
    this.samples = dims.get(format.samples);
    this.length = dims.get(format.time).size();
  }

  /** Whether the number of steps is fixed: else nothing can be written out. */
  static boolean isFixed(Dims dims, Format format) {
    return !dims.get(format.time).samples() && !dims.get(format.features).samples();
  }

  int length() {
    return Math.toIntExact(length);
  }

  /** The value [N, T, F], whatever its format. */
  SDVariable samplesFirst(SDVariable x) {
    return context.permute("samples_first", x, format.samples, format.time, format.features);
  }

  /** X W + b for all steps at once: for each step [N, G], from a value with F features. */
  List<SDVariable> projected(
      String what, SDVariable x, Dim features, SDVariable w, Dim results, @Nullable SDVariable b) {
    Dim rows = samples.times(Dim.of(length));
    SDVariable folded =
        context.reshape(
            what + "rows", x, Dims.of(samples, Dim.of(length), features), Dims.of(rows, features));
    SDVariable product = context.matmul(what + "projected", folded, false, w, false);
    SDVariable shifted = b == null ? product : product.add(context.name(what + "shifted"), b);
    Dims apart = Dims.of(samples, Dim.of(length), results);
    return steps(what, context.reshape(what + "apart", shifted, Dims.of(rows, results), apart));
  }

  /** The steps [N, F] of a value [N, T, F]. */
  List<SDVariable> steps(String what, SDVariable x) {
    return context.unstack(what + "inputs", x, length, 1);
  }

  /**
   * For each step which samples have it: 1 or 0, [N, 1].
   *
   * @param lengths how many steps each sample has [N]
   * @param atTheEnd whether they are the last ones, not the first
   */
  List<SDVariable> present(SDVariable lengths, boolean atTheEnd, DataType type) {
    Dims column = Dims.of(samples, Dim.ONE);
    SDVariable longest = context.reshape("lengths", lengths, Dims.of(samples), column);
    List<SDVariable> present = new ArrayList<>();
    for (int t = 0; t < length; t++) {
      SDVariable longer = longest.gt(context.name(t + "/longer"), atTheEnd ? length - 1 - t : t);
      present.add(longer.castTo(context.name(t + "/present"), type));
    }
    return present;
  }

  /** Results of the steps, [N, …], put together along the input's axis of time. */
  SDVariable together(String what, List<SDVariable> steps) {
    return context.graph().stack(context.name(what), format.time, steps.toArray(new SDVariable[0]));
  }
}
