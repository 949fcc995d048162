package org.backpack4j.samediff.rule;

import java.util.List;
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
 * {@code conv1d}, {@code conv2d} and {@code conv3dnew}: Z[n, o, p] = Σᵢ W[o, i] X[n, i, p] + b[o],
 * X the unfolded input, in every weights and data format. dX is the transposed convolution of the
 * signal, dW[n] = Σₚ S[n, :, p] X[n, :, p]ᵀ, db[n] = Σₚ S. Taps that only see padding are left out:
 * their weights' part is zero.
 */
final class ConvolutionRule implements Rule {
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
      return perSample(site, signal);
    }
    if (input == 2) {
      return BiasRule.channelSums(e, signal, c.images().channel(signal));
    }
    Dims dims = signal.dims().range(0, 2).plus(site.perSample(0));
    Tensor result =
        together(site, c, signal)
            ? gradients(site, c, signal).get(0)
            : Convolutions.spread(
                e,
                c.images().fold(e, signal),
                c.kernel(site),
                c.windows().cropped(),
                c.images().last());
    return e.reshape(result, dims);
  }

  private Tensor perSample(Site site, Tensor signal) {
    return contribution(site, 1, 0, new Signal("", signal, null)).perSample();
  }

  /** Whether the gradient of the input and of the weights are best computed by one op. */
  private static boolean together(Site site, Convolution c, Tensor signal) {
    return signal.dims().get(1).isOne()
        && signal.dims().get(0).samples()
        && site.placement(0).hasSamples()
        && site.wanted(0)
        && site.wantedSum(1)
        && c.windows().equals(c.windows().cropped())
        && Convolutions.hasGradients(c.windows(), c.kernel(site));
  }

  private static List<Tensor> gradients(Site site, Convolution c, Tensor signal) {
    Emitter e = site.emit();
    return Convolutions.gradients(
        e,
        c.images().fold(e, site.value(0)),
        c.kernel(site),
        c.images().fold(e, signal),
        c.windows(),
        c.images().last());
  }

  @Override
  public Contribution contribution(Site site, int input, int output, Signal signal) {
    Emitter e = site.emit();
    if (input != 1) {
      return new Given(e, pull(site, input, output, signal.value()), signal.signs());
    }
    Convolution c = Convolution.of(site);
    Windows windows = c.windows().cropped();
    Dim n = signal.value().dims().get(0);
    long v = signal.value().dims().get(1).size();
    long times = c.images().times(site.outputPerSample(0));
    Tensor s = Images.positionsLast(e, c.images().channelsFirst(e, signal.value()), n, v, times);
    boolean patchesFirst = c.layout() == KernelLayout.TAPS_FIRST;
    KernelView view =
        c.view(site, patchesFirst ? KernelView.Order.PATCHES_FIRST : KernelView.Order.PATCHES_LAST);
    Contribution product =
        new OuterProduct(
            e,
            s,
            () -> unfolded(site, c, windows, patchesFirst, times, n),
            Dims.of(c.wide().size() * windows.taps(), times * windows.positions()),
            patchesFirst,
            signal.signs(),
            whole ->
                together(site, c, signal.value())
                    ? view.product(withColumn(e, gradients(site, c, signal.value()).get(1)))
                    : null);
    return product.through(view);
  }

  private static Tensor withColumn(Emitter e, Tensor kernel) {
    return e.reshape(kernel, Dims.of(Dim.ONE).plus(kernel.dims()));
  }

  /** The unfolded input [N, C · taps or taps · C, T · positions]. */
  private static Tensor unfolded(
      Site site, Convolution c, Windows windows, boolean tapsFirst, long times, Dim n) {
    Emitter e = site.emit();
    Tensor images = c.images().channelsFirst(e, site.value(0));
    Tensor x = Patches.unfold(e, images, windows, tapsFirst);
    Dim samples = site.placement(0).hasSamples() ? Dim.N : Dim.ONE;
    Tensor rows = Images.positionsLast(e, x, samples, 1, times);
    return Convolution.forSamples(
        site, e.reshape(rows, Dims.of(samples).plus(rows.dims().from(2))), n);
  }

  @Override
  public String name() {
    return "convolution";
  }
}
