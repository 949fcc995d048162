package org.backpack4j.samediff.rule;

import java.util.ArrayList;
import java.util.List;
import org.backpack4j.samediff.backprop.Placements;
import org.backpack4j.samediff.backprop.Refused;
import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.graph.Dim;
import org.backpack4j.samediff.graph.Dims;
import org.backpack4j.samediff.graph.Placement;
import org.backpack4j.samediff.graph.Sliding;
import org.backpack4j.samediff.graph.Tensor;

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

  static Convolution of(Site site) {
    Sliding sliding =
        Sliding.of(site.node().op(), site.node().iArgs(), shape(site.dims(0)), shape(site.dims(1)));
    if (sliding == null) {
      throw new Refused(
          "the shapes of its inputs or its arguments are unusual", "give it images and weights");
    }
    int own = sliding.axes().size();
    Dims out = site.outputDims(0);
    List<Window> windows = new ArrayList<>();
    if (own == 1) {
      windows.add(Window.NONE);
    }
    for (int k = 0; k < own; k++) {
      long extent = out.get(k + (sliding.channelsLast() ? 1 : 2)).size();
      Sliding.Axis axis = sliding.axes().get(k);
      windows.add(
          sliding.transposed() ? Window.ofTransposed(axis, extent) : Window.of(axis, extent));
    }
    KernelLayout layout = KernelLayout.values()[sliding.weightsFormat()];
    Dims weights = site.dims(1);
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
  Tensor kernel(Site site) {
    return layout.kernel(site.emit(), site.raw(1), weights, windows);
  }

  /** From a product over positions to the weights. */
  KernelView view(Site site, KernelView.Order order) {
    return KernelView.of(site.emit(), order, layout, weights, windows, site.dims(1));
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
  static Placement place(Site site, int output) {
    Placement place = site.placement(0);
    if (place.hasSamples() && place.axis() != 0) {
      return Placements.byShape(site, output)
          .mixing("the samples are not on the first axis of a convolution's input");
    }
    for (int k = 1; k < site.inputs(); k++) {
      if (site.placement(k).hasSamples()) {
        return Placements.byShape(site, output).mixing("the weights have a sample axis");
      }
    }
    return place.hasSamples() ? place : Placements.withoutAxis(site);
  }

  /** An input's images, the same for every sample where the input has no sample axis. */
  static Tensor forSamples(Site site, Tensor rows, Dim n) {
    return rows.dims().get(0).equals(n) || !n.samples()
        ? rows
        : site.emit().broadcast(rows, rows.dims().with(0, n));
  }
}
