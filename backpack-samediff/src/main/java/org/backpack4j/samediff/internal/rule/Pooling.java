package org.backpack4j.samediff.internal.rule;

import java.util.ArrayList;
import java.util.List;
import org.backpack4j.samediff.internal.autodiff.BatchAxes;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.interpret.SlidingWindows;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.backpack4j.samediff.spi.UnsupportedOpException;

/**
 * A pooling node as it is configured. Channels are worked apart, so that those of time-distributed
 * images count as channels: values are [N, V, C, spatial…].
 *
 * @param images how its input and output are images
 * @param windows how the windows slide
 * @param extra the op's additional argument: an average's divisor, a norm's exponent
 */
record Pooling(Images images, Windows windows, long extra) {

  static Pooling of(NodeContext context) {
    SlidingWindows sliding =
        SlidingWindows.of(
            context.node().op(), context.node().iArgs(), shape(context.dims(0)), new long[0]);
    if (sliding == null) {
      throw new UnsupportedOpException(
          "its arguments are unusual", "give it images, and a configuration");
    }
    int own = sliding.axes().size();
    Dims out = context.outputDims(0);
    List<Window> windows = new ArrayList<>();
    for (int k = 0; k < own; k++) {
      windows.add(
          Window.of(sliding.axes().get(k), out.get(k + (sliding.channelsLast() ? 1 : 2)).size()));
    }
    return new Pooling(
        new Images(own, sliding.channelsLast()),
        new Windows(windows),
        context.node().iArg(4 * own + 1, 0));
  }

  private static long[] shape(Dims dims) {
    return dims.list().stream().mapToLong(Dim::size).toArray();
  }

  /** Where the result has its samples: where the input has them. */
  static BatchAxis batchAxis(NodeContext context, int output) {
    BatchAxis place = context.batchAxis(0);
    if (place.hasSamples() && place.axis() != 0) {
      return BatchAxes.byShape(context, output)
          .coupling("the samples are not on the first axis of a pooling's input");
    }
    return place.hasSamples() ? place : BatchAxes.withoutAxis(context);
  }

  /** Refuses what M2.1 itself gets wrong. */
  void check(NodeContext context, boolean paddingHasValue) {
    if (!paddingHasValue && windows.any(Window::blind)) {
      throw new UnsupportedOpException(
          "some of its windows see nothing but padding, for which there is no value",
          "pad less, or pad the input by an op of its own");
    }
    if (windows.dilated() && !DilatedPooling.isRight(context.type(0))) {
      throw new UnsupportedOpException(
          "M2.1 leaves out the dilation of poolings of type " + context.type(0),
          "use double precision, or take the entries by strided slices");
    }
  }

  /** [N, V, …, image…] as [N, V, C, spatial…], channels and what stands before them as one. */
  Tensor channels(Emitter e, Tensor value) {
    Tensor first = images.channelsFirst(e, value);
    Dims lead = value.dims().range(0, 2);
    long times = images.times(value.dims().from(2));
    return e.reshape(
        first, lead.plus(first.dims().get(1).times(Dim.of(times))).plus(first.dims().from(2)));
  }

  /** The way back to the arrangement of a cotangent at the input. */
  Tensor back(Emitter e, Tensor channels, NodeContext context) {
    return back(e, channels, context.perSample(0));
  }

  /** [N, V, C, spatial…] as [N, V, F…]. */
  Tensor back(Emitter e, Tensor channels, Dims part) {
    Dims lead = channels.dims().range(0, 2);
    long times = images.times(part);
    Dims spatial = channels.dims().from(3);
    Dim own = Dim.of(channels.dims().get(2).size() / times);
    Tensor folded =
        e.reshape(channels, Dims.of(lead.product().times(Dim.of(times)), own).plus(spatial));
    return images.back(e, folded, lead.plus(part));
  }
}
