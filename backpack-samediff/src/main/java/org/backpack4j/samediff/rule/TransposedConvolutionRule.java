package org.backpack4j.samediff.rule;

import java.util.Set;
import org.backpack4j.samediff.backprop.Rule;
import org.backpack4j.samediff.backprop.Signal;
import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.contribution.Contribution;
import org.backpack4j.samediff.contribution.Given;
import org.backpack4j.samediff.contribution.OuterProduct;
import org.backpack4j.samediff.graph.Dim;
import org.backpack4j.samediff.graph.Dims;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.Placement;
import org.backpack4j.samediff.graph.Tensor;

/**
 * {@code deconv2d} and {@code deconv3d}, transposed convolutions: windows slide over the output,
 * from one entry of the input to the next. So a signal passes by the ordinary convolution, and it
 * is the signal that is unfolded: dW[n] = Σₚ S̃[n, :, p] X[n, :, p]ᵀ over the input's positions p.
 */
final class TransposedConvolutionRule implements Rule {
  @Override
  public Placement place(Site site, int output) {
    return Convolution.place(site, output);
  }

  @Override
  public void check(Site site) {
    Convolution.of(site);
  }

  @Override
  public boolean linear(Site site, Set<Integer> active) {
    return !active.contains(0) || !active.contains(1);
  }

  @Override
  public Tensor pull(Site site, int input, int output, Tensor signal) {
    Emitter e = site.emit();
    Convolution c = Convolution.of(site);
    if (input == 1) {
      return contribution(site, 1, output, new Signal("", signal, null)).perSample();
    }
    if (input == 2) {
      return BiasRule.channelSums(e, signal, c.images().channel(signal));
    }
    Tensor result =
        Convolutions.convolve(
            e,
            c.images().fold(e, signal),
            c.kernel(site),
            c.windows().cropped(),
            c.images().last());
    return e.reshape(result, signal.dims().range(0, 2).plus(site.perSample(0)));
  }

  @Override
  public Contribution contribution(Site site, int input, int output, Signal signal) {
    Emitter e = site.emit();
    if (input != 1) {
      return new Given(e, pull(site, input, output, signal.value()), signal.signs());
    }
    Convolution c = Convolution.of(site);
    Dim n = signal.value().dims().get(0);
    long v = signal.value().dims().get(1).size();
    long times = c.images().times(site.outputPerSample(0));
    boolean patchesFirst = c.layout() == KernelLayout.TAPS_FIRST;
    Tensor images = c.images().channelsFirst(e, signal.value());
    Tensor seen = Patches.unfold(e, images, c.windows().cropped(), patchesFirst);
    Tensor s = Images.positionsLast(e, seen, n, v, times);
    Contribution product =
        new OuterProduct(
            e,
            s,
            () -> input(site, c, times, n),
            Dims.of(c.narrow().size(), times * c.windows().positions()),
            !patchesFirst,
            signal.signs(),
            whole -> null);
    return product.through(
        c.view(
            site, patchesFirst ? KernelView.Order.PATCHES_FIRST : KernelView.Order.PATCHES_LAST));
  }

  /** The input [N, O, T · positions]. */
  private static Tensor input(Site site, Convolution c, long times, Dim n) {
    Emitter e = site.emit();
    Tensor x = c.images().channelsFirst(e, site.value(0));
    Dim samples = site.placement(0).hasSamples() ? Dim.N : Dim.ONE;
    Tensor rows = Images.positionsLast(e, x, samples, 1, times);
    return Convolution.forSamples(
        site, e.reshape(rows, Dims.of(samples).plus(rows.dims().from(2))), n);
  }

  @Override
  public String name() {
    return "transposed convolution";
  }
}
