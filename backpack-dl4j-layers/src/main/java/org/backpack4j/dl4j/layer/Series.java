package org.backpack4j.dl4j.layer;

import java.util.Collections;
import java.util.List;
import org.backpack4j.dl4j.convert.FeatureMask;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A time series as recurrent layers read it: [N, F, T] in DL4J's format NCW, [N, T, F] in NWC.
 * Layers are written out step by step; what does not depend on the step before is computed for all
 * steps at once.
 */
final class Series {
  private final Site site;
  private final Value value;
  private final RNNFormat format;

  /**
   * A time series.
   *
   * @param site the layer
   * @param value its input
   * @param format its format; null for NCW
   */
  Series(Site site, Value value, @Nullable RNNFormat format) {
    this.site = site;
    this.value = value;
    this.format = format == null ? RNNFormat.NCW : format;
    if (value.rank() != 3) {
      throw site.refuse(
          "its input has the shape " + value + ", not that of time series",
          "let a preprocessor bring it into the layout of time series");
    }
  }

  /** The series itself. */
  Value value() {
    return value;
  }

  /** The axis of time. */
  int time() {
    return format == RNNFormat.NCW ? 2 : 1;
  }

  /** T. */
  int length() {
    return Math.toIntExact(value.size(time()));
  }

  /** F. */
  long features() {
    return value.size(3 - time());
  }

  /** [N, T, F]. */
  SDVariable samplesTimeFeatures() {
    return format == RNNFormat.NCW ? swapped(value.variable()) : value.variable();
  }

  private SDVariable swapped(SDVariable x) {
    return site.sd().permute(x, 0, 2, 1);
  }

  /** The steps as rows [N·T, F], the first sample's first. */
  Value rows() {
    SDVariable rows = site.sd().reshape(samplesTimeFeatures(), -1, features());
    return new Value(rows, -1, features());
  }

  /** A series of this one's format and mask from rows [N·T, F]. */
  Value ofRows(Value rows) {
    long width = rows.size(1);
    SDVariable apart = site.sd().reshape(rows.variable(), -1, length(), width);
    SDVariable laidOut = format == RNNFormat.NCW ? swapped(apart) : apart;
    return value.with(laidOut, shape(width));
  }

  private long[] shape(long width) {
    return format == RNNFormat.NCW
        ? new long[] {-1, width, length()}
        : new long[] {-1, length(), width};
  }

  /** For each step [N, O] of rows [N·T, O]. */
  List<SDVariable> steps(SDVariable rows, long width) {
    return unstacked(site.sd().reshape(rows, -1, length(), width));
  }

  private List<SDVariable> unstacked(SDVariable x) {
    return List.of(site.sd().unstack(x, 1, length()));
  }

  /** For each step which samples have it [N, 1]; nulls if there is no mask. */
  List<@Nullable SDVariable> masks() {
    SDVariable mask = FeatureMask.ofSteps(site, value, length());
    return mask == null
        ? Collections.nCopies(length(), null)
        : List.copyOf(unstacked(site.sd().reshape(mask, -1, length(), 1)));
  }

  /** Steps [N, F] put together in this series' format, with its mask. */
  Value together(List<SDVariable> steps, long width) {
    SDVariable all = site.sd().stack(time(), steps.toArray(new SDVariable[0]));
    return value.with(all, shape(width));
  }

  /** The series with the last step first. */
  static Value reversed(Site site, Value series, @Nullable RNNFormat format) {
    int time = format == RNNFormat.NWC ? 1 : 2;
    SDVariable mask = FeatureMask.ofSteps(site, series, series.size(time));
    Value turned = series.with(site.sd().reverse(series.variable(), time));
    return mask == null
        ? turned
        : turned.withMask(new Value(site.sd().reverse(mask, 1), -1, series.size(time)));
  }

  /**
   * What a recurrent layer begins with: the state that the sequence's part before has left; zeros
   * for a sequence of a single step, whose recurrent weights would else be in no op; null for zeros
   * that need not be there.
   */
  @Nullable SDVariable begin(String key, long units) {
    SDVariable state = site.initialState(key, units);
    return state == null && length() == 1
        ? site.constant(Nd4j.zeros(site.type(), 1, units))
        : state;
  }

  /** Another value in this series' format. */
  Series like(Value other) {
    return new Series(site, other, format);
  }
}
