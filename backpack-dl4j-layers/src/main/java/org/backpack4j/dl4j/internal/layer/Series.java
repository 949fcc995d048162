package org.backpack4j.dl4j.internal.layer;

import java.util.Collections;
import java.util.List;
import org.backpack4j.dl4j.internal.convert.FeatureMask;
import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerOutput;
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
  private final ConversionContext context;
  private final LayerOutput value;
  private final RNNFormat format;

  /**
   * A time series.
   *
   * @param context the layer
   * @param value its input
   * @param format its format; null for NCW
   */
  Series(ConversionContext context, LayerOutput value, @Nullable RNNFormat format) {
    this.context = context;
    this.value = value;
    this.format = format == null ? RNNFormat.NCW : format;
    if (value.rank() != 3) {
      throw context.refuse(
          "its input has the shape " + value + ", not that of time series",
          "let a preprocessor bring it into the layout of time series");
    }
  }

  /** The series itself. */
  LayerOutput value() {
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
    return context.sd().permute(x, 0, 2, 1);
  }

  /** The steps as rows [N·T, F], the first sample's first. */
  LayerOutput rows() {
    SDVariable rows = context.sd().reshape(samplesTimeFeatures(), -1, features());
    return new LayerOutput(rows, -1, features());
  }

  /** A series of this one's format and mask from rows [N·T, F]. */
  LayerOutput ofRows(LayerOutput rows) {
    long width = rows.size(1);
    SDVariable apart = context.sd().reshape(rows.variable(), -1, length(), width);
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
    return unstacked(context.sd().reshape(rows, -1, length(), width));
  }

  private List<SDVariable> unstacked(SDVariable x) {
    return List.of(context.sd().unstack(x, 1, length()));
  }

  /** For each step which samples have it [N, 1]; nulls if there is no mask. */
  List<@Nullable SDVariable> masks() {
    SDVariable mask = FeatureMask.ofSteps(context, value, length());
    return mask == null
        ? Collections.nCopies(length(), null)
        : List.copyOf(unstacked(context.sd().reshape(mask, -1, length(), 1)));
  }

  /** Steps [N, F] put together in this series' format, with its mask. */
  LayerOutput together(List<SDVariable> steps, long width) {
    SDVariable all = context.sd().stack(time(), steps.toArray(new SDVariable[0]));
    return value.with(all, shape(width));
  }

  /** The series with the last step first. */
  static LayerOutput reversed(
      ConversionContext context, LayerOutput series, @Nullable RNNFormat format) {
    int time = format == RNNFormat.NWC ? 1 : 2;
    SDVariable mask = FeatureMask.ofSteps(context, series, series.size(time));
    LayerOutput turned = series.with(context.sd().reverse(series.variable(), time));
    return mask == null
        ? turned
        : turned.withMask(new LayerOutput(context.sd().reverse(mask, 1), -1, series.size(time)));
  }

  /**
   * What a recurrent layer begins with: the state that the sequence's part before has left; zeros
   * for a sequence of a single step, whose recurrent weights would else be in no op; null for zeros
   * that need not be there.
   */
  @Nullable SDVariable begin(String key, long units) {
    SDVariable state = context.initialState(key, units);
    return state == null && length() == 1
        ? context.constant(Nd4j.zeros(context.type(), 1, units))
        : state;
  }

  /** Another value in this series' format. */
  Series like(LayerOutput other) {
    return new Series(context, other, format);
  }
}
