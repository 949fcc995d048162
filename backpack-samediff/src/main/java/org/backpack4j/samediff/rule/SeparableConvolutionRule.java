package org.backpack4j.samediff.rule;

import java.util.Set;
import org.backpack4j.samediff.backprop.Refused;
import org.backpack4j.samediff.backprop.Rule;
import org.backpack4j.samediff.backprop.Signal;
import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.contribution.Contribution;
import org.backpack4j.samediff.contribution.Given;
import org.backpack4j.samediff.contribution.OuterProduct;
import org.backpack4j.samediff.contribution.Rearranged;
import org.backpack4j.samediff.graph.Dim;
import org.backpack4j.samediff.graph.Dims;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.Placement;
import org.backpack4j.samediff.graph.Tensor;

/**
 * {@code sconv2d}: a depthwise convolution, then, with pointwise weights [C · M, O], a dense map of
 * the channels, then a bias. The value between the two is computed once more.
 */
final class SeparableConvolutionRule implements Rule {
  @Override
  public Placement place(Site site, int output) {
    return Convolution.place(site, output);
  }

  /** The input that holds the pointwise weights; −1 if there are none. */
  private static int pointwise(Site site) {
    return site.inputs() > 2 && site.dims(2).rank() == 4 ? 2 : -1;
  }

  @Override
  public void check(Site site) {
    Convolution c = Convolution.of(site);
    if (pointwise(site) > 0 && c.wide().isOne()) {
      throw new Refused(
          "M2.1 leaves out the pointwise weights where the input has one channel",
          "write it as depthWiseConv2d and conv2d");
    }
  }

  @Override
  public boolean linear(Site site, Set<Integer> active) {
    long factors = active.stream().filter(k -> k <= 1 || k == pointwise(site)).count();
    return factors <= 1;
  }

  /** The pointwise weights [C · M, O]. */
  private static Tensor matrix(Site site, Convolution c) {
    Emitter e = site.emit();
    Tensor w = site.raw(2);
    Dim in = w.dims().get(c.layout().wide(2));
    Dim out = w.dims().get(c.layout().narrow(2));
    boolean inputsFirst = c.layout() == KernelLayout.TAPS_FIRST;
    return inputsFirst
        ? e.reshape(w, Dims.of(in, out))
        : e.transpose(e.reshape(w, Dims.of(out, in)));
  }

  /** A signal at the depthwise convolution's result, [N, V, …, C · M and positions]. */
  private static Tensor between(Site site, Convolution c, Tensor signal) {
    if (pointwise(site) < 0) {
      return signal;
    }
    Emitter e = site.emit();
    int channel = c.images().channel(signal);
    Tensor last = c.images().last() ? signal : e.permute(signal, channelTo(signal, channel, true));
    Dim o = last.dims().get(last.rank() - 1);
    Dim rows = last.dims().range(0, last.rank() - 1).product();
    Tensor product = e.matmul(e.reshape(last, Dims.of(rows, o)), false, matrix(site, c), true);
    Tensor result = e.reshape(product, last.dims().with(last.rank() - 1, product.dims().get(1)));
    return c.images().last() ? result : e.permute(result, channelTo(signal, channel, false));
  }

  /** Moves the axis of the channels to the end, or back from there. */
  private static int[] channelTo(Tensor value, int channel, boolean end) {
    int rank = value.rank();
    int[] order = new int[rank];
    for (int k = 0; k < rank; k++) {
      if (end) {
        order[k] = k < channel ? k : k == rank - 1 ? channel : k + 1;
      } else {
        order[k] = k < channel ? k : k == channel ? rank - 1 : k - 1;
      }
    }
    return order;
  }

  @Override
  public Tensor pull(Site site, int input, int output, Tensor signal) {
    Emitter e = site.emit();
    Convolution c = Convolution.of(site);
    if (input == 1 || input == pointwise(site)) {
      return contribution(site, input, output, new Signal("", signal, null)).perSample();
    }
    if (input != 0) {
      return BiasRule.channelSums(e, signal, c.images().channel(signal));
    }
    Tensor s = c.images().channelsFirst(e, between(site, c, signal));
    Tensor result = new Depthwise(c).spread(e, s, c.kernel(site));
    return c.images().back(e, result, signal.dims().range(0, 2).plus(site.perSample(0)));
  }

  @Override
  public Contribution contribution(Site site, int input, int output, Signal signal) {
    Emitter e = site.emit();
    Convolution c = Convolution.of(site);
    if (input == 1) {
      return new Depthwise(c)
          .contribution(site, site.value(0), between(site, c, signal.value()), signal.signs());
    }
    if (input != pointwise(site)) {
      return new Given(e, pull(site, input, output, signal.value()), signal.signs());
    }
    Dim n = signal.value().dims().get(0);
    long v = signal.value().dims().get(1).size();
    long times = c.images().times(site.outputPerSample(0));
    Tensor s = Images.positionsLast(e, c.images().channelsFirst(e, signal.value()), n, v, times);
    boolean inputsFirst = c.layout() == KernelLayout.TAPS_FIRST;
    Dim middle = site.dims(2).get(c.layout().wide(2));
    OuterProduct product =
        new OuterProduct(
            e,
            s,
            () -> middle(site, c, n, times),
            Dims.of(middle, s.dims().get(3)),
            inputsFirst,
            signal.signs(),
            whole -> null);
    return product.through(Rearranged.reshaped(e, site.dims(2)));
  }

  /** The depthwise convolution's result [N, C · M, T · positions]. */
  private static Tensor middle(Site site, Convolution c, Dim n, long times) {
    Emitter e = site.emit();
    Tensor x = c.images().channelsFirst(e, site.value(0));
    Tensor result = new Depthwise(c).convolve(e, x, c.kernel(site));
    Dim samples = site.placement(0).hasSamples() ? Dim.N : Dim.ONE;
    Tensor rows = Images.positionsLast(e, result, samples, 1, times);
    return Convolution.forSamples(
        site, e.reshape(rows, Dims.of(samples).plus(rows.dims().from(2))), n);
  }

  @Override
  public String name() {
    return "separable convolution";
  }
}
