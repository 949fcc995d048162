package org.backpack4j.samediff.internal.rule;

import java.util.ArrayList;
import java.util.List;
import org.backpack4j.samediff.internal.autodiff.BatchAxes;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.interpret.SlidingWindows;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Tensor;
import org.backpack4j.samediff.spi.UnsupportedOpException;

/**
 * A convolution node as it is configured.
 *
 * @param images how its input and output are images
 * @param windows how the windows slide over the wide side, an axis of extent one added to what has
 *     one spatial axis
 * @param layout the layout of the weights
 * @param weights the weights' shape, the same axis added
 */
record Convolution(Images images, Windows windows, KernelLayout layout, Dims weights) {

  static Convolution of(NodeContext context) {
    SlidingWindows sliding =
        SlidingWindows.of(
            context.node().op(),
            context.node().iArgs(),
            shape(context.dims(0)),
            shape(context.dims(1)));
    if (sliding == null) {
      throw new UnsupportedOpException(
          "the shapes of its inputs or its arguments are unusual", "give it images and weights");
    }
    int own = sliding.axes().size();
    Dims out = context.outputDims(0);
    List<Window> windows = new ArrayList<>();
    if (own == 1) {
      windows.add(Window.NONE);
    }
    for (int k = 0; k < own; k++) {
      long extent = out.get(k + (sliding.channelsLast() ? 1 : 2)).size();
      SlidingWindows.Axis axis = sliding.axes().get(k);
      windows.add(
          sliding.transposed() ? Window.ofTransposed(axis, extent) : Window.of(axis, extent));
    }
    KernelLayout layout = KernelLayout.values()[sliding.weightsFormat()];
    Dims weights = context.dims(1);
    if (own == 1) {
      int at = layout.taps();
      weights = weights.range(0, at).plus(Dim.ONE).plus(weights.from(at));
    }
    return new Convolution(
        new Images(own, sliding.channelsLast()), new Windows(windows), layout, weights);
  }

  private static long[] shape(Dims dims) {
    return dims.list().stream().mapToLong(Dim::size).toArray();
  }

  /** The kernel [taps…, C, O], live taps only. */
  Tensor kernel(NodeContext context) {
    return layout.kernel(context.emit(), context.raw(1), weights, windows);
  }

  /** Tangents [1, V, W…] at the weights as kernels [V, taps…, C, O], live taps only. */
  Tensor kernels(NodeContext context, Tensor tangent) {
    Dims columns = Dims.of(tangent.dims().get(1));
    return layout.kernels(context.emit(), tangent, columns, weights, windows);
  }

  /** A tangent [1, V, O] at the bias in the arrangement of the output. */
  Tensor bias(NodeContext context, Tensor tangent) {
    Dims part = context.outputPerSample(0);
    int channel = images.channel(2 + part.rank());
    return context.filled(0, BiasRule.atChannel(context.emit(), tangent, part, channel));
  }

  /** From a product over positions to the weights. */
  KernelView view(NodeContext context, KernelView.Order order) {
    return KernelView.of(context.emit(), order, layout, weights, windows, context.dims(1));
  }

  /** C, of the wide side. */
  Dim wide() {
    return weights.get(layout.wide(windows.count()));
  }

  /** O, of the narrow side. */
  Dim narrow() {
    return weights.get(layout.narrow(windows.count()));
  }

  /** Where the result has its samples: where the input has them. */
  static BatchAxis batchAxis(NodeContext context, int output) {
    BatchAxis place = context.batchAxis(0);
    if (place.hasSamples() && place.axis() != 0) {
      return BatchAxes.byShape(context, output)
          .coupling("the samples are not on the first axis of a convolution's input");
    }
    for (int k = 1; k < context.inputs(); k++) {
      if (context.batchAxis(k).hasSamples()) {
        return BatchAxes.byShape(context, output).coupling("the weights have a sample axis");
      }
    }
    return place.hasSamples() ? place : BatchAxes.withoutAxis(context);
  }

  /** An input's images, the same for every sample where the input has no sample axis. */
  static Tensor forSamples(NodeContext context, Tensor rows, Dim n) {
    return rows.dims().get(0).equals(n) || !n.samples()
        ? rows
        : context.emit().broadcast(rows, rows.dims().with(0, n));
  }
}
