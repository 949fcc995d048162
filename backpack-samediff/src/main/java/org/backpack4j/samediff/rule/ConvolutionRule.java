package org.backpack4j.samediff.rule;

import java.util.Set;
import org.backpack4j.samediff.backprop.Placements;
import org.backpack4j.samediff.backprop.Refused;
import org.backpack4j.samediff.backprop.Rule;
import org.backpack4j.samediff.backprop.Signal;
import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.contribution.Contribution;
import org.backpack4j.samediff.contribution.Given;
import org.backpack4j.samediff.contribution.OuterProduct;
import org.backpack4j.samediff.contribution.View;
import org.backpack4j.samediff.graph.Dim;
import org.backpack4j.samediff.graph.Dims;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.Placement;
import org.backpack4j.samediff.graph.Tensor;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.PaddingMode;

/**
 * {@code conv1d} and {@code conv2d}: Z[n, o, p] = Σᵢ W[o, i] X[n, i, p] + b[o], X the unfolded
 * input, in every weights and data format. dX is the transposed convolution of the signal, dW[n] =
 * Σₚ S[n, :, p] X[n, :, p]ᵀ, db[n] = Σₚ S. Taps that only see padding are left out: their weights'
 * part is zero.
 */
final class ConvolutionRule implements Rule {
  /** How the weights are laid out: positions of kH, kW, input and output channels. */
  private enum Layout {
    YXIO(0, 1, 2, 3),
    OIYX(2, 3, 1, 0),
    OYXI(1, 2, 3, 0);

    final int y;
    final int x;
    final int in;
    final int out;

    Layout(int y, int x, int in, int out) {
      this.y = y;
      this.x = x;
      this.in = in;
      this.out = out;
    }
  }

  /** A node's configuration, one axis of extent one added to what has one spatial axis. */
  private record Config(
      Window h, Window w, boolean channelsLast, Layout layout, Dims weights, int spatialAxes) {}

  private static Config config(Site site) {
    return site.node().op().equals("conv1d") ? config1d(site) : config2d(site);
  }

  private static Config config2d(Site site) {
    var node = site.node();
    boolean last = node.iArg(9, 0) == 1;
    Layout layout = Layout.values()[(int) node.iArg(10, 0)];
    Dims weights = site.dims(1);
    PaddingMode mode = PaddingMode.fromNumber((int) node.iArg(8, 0));
    Dims in = site.dims(0);
    Dims out = site.outputDims(0);
    int y = last ? 1 : 2;
    Window h =
        Window.of(
            in.get(y).size(),
            weights.get(layout.y).size(),
            node.iArg(2, 1),
            node.iArg(4, 0),
            node.iArg(6, 1),
            mode,
            out.get(y).size());
    Window w =
        Window.of(
            in.get(y + 1).size(),
            weights.get(layout.x).size(),
            node.iArg(3, 1),
            node.iArg(5, 0),
            node.iArg(7, 1),
            mode,
            out.get(y + 1).size());
    return new Config(h, w, last, layout, weights, 2);
  }

  private static Config config1d(Site site) {
    var node = site.node();
    boolean last = node.iArg(5, 0) == 1;
    Layout layout = Layout.values()[(int) node.iArg(6, 0)];
    Dims own = site.dims(1);
    Dims weights =
        layout == Layout.YXIO
            ? Dims.of(Dim.ONE).plus(own)
            : layout == Layout.OIYX
                ? own.range(0, 2).plus(Dim.ONE).plus(own.from(2))
                : own.range(0, 1).plus(Dim.ONE).plus(own.from(1));
    PaddingMode mode = PaddingMode.fromNumber((int) node.iArg(4, 0));
    int x = last ? 1 : 2;
    Window w =
        Window.of(
            site.dims(0).get(x).size(),
            weights.get(layout.x).size(),
            node.iArg(1, 1),
            node.iArg(2, 0),
            node.iArg(3, 1),
            mode,
            site.outputDims(0).get(x).size());
    return new Config(Window.NONE, w, last, layout, weights, 1);
  }

  @Override
  public Placement place(Site site, int output) {
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

  @Override
  public void check(Site site) {
    if (!site.placement(0).hasSamples()) {
      throw new Refused(
          "the input of the convolution has no sample axis", "feed it by a placeholder with one");
    }
  }

  @Override
  public boolean linear(Site site, Set<Integer> active) {
    return active.size() == 1 || !active.contains(0);
  }

  /**
   * [N, V, (T,) …] as images [B, channels, H, W] with everything before the image folded into B.
   */
  private static Tensor images(Emitter e, Tensor value, Config c) {
    int axes = c.spatialAxes() + 1;
    int front = value.rank() - axes;
    Dims image = value.dims().from(front);
    if (c.spatialAxes() == 1) {
      image =
          c.channelsLast()
              ? Dims.of(Dim.ONE).plus(image)
              : image.range(0, 1).plus(Dim.ONE).plus(image.from(1));
    }
    Tensor folded = e.reshape(value, Dims.of(value.dims().range(0, front).product()).plus(image));
    return c.channelsLast() ? e.permute(folded, 0, 3, 1, 2) : folded;
  }

  /** The way back from [B, channels, H, W]. */
  private static Tensor fromImages(Emitter e, Tensor images, Config c, Dims dims) {
    return e.reshape(c.channelsLast() ? e.permute(images, 0, 2, 3, 1) : images, dims);
  }

  /** The live taps of the weights as [kH, kW, I, O]. */
  private static Tensor weights(Site site, Config c) {
    Emitter e = site.emit();
    Tensor w = e.reshape(site.raw(1), c.weights());
    w = e.slice(w, c.layout().y, c.h().firstLive(), c.h().endLive());
    w = e.slice(w, c.layout().x, c.w().firstLive(), c.w().endLive());
    return e.permute(w, c.layout().y, c.layout().x, c.layout().in, c.layout().out);
  }

  @Override
  public Tensor pull(Site site, int input, int output, Tensor signal) {
    Emitter e = site.emit();
    Config c = config(site);
    Tensor s = images(e, signal, c);
    if (input == 2) {
      int channel = signal.rank() - (c.channelsLast() ? 1 : c.spatialAxes() + 1);
      return BiasRule.channelSums(e, signal, channel);
    }
    Dims dims = signal.dims().range(0, 2).plus(site.perSample(0));
    return fromImages(
        e, Patches.spread(e, s, weights(site, c), c.h().cropped(), c.w().cropped()), c, dims);
  }

  @Override
  public Contribution contribution(Site site, int input, int output, Signal signal) {
    Emitter e = site.emit();
    if (input == 2) {
      return new Given(e, pull(site, 2, output, signal.value()), signal.signs());
    }
    Config c = config(site);
    Window h = c.h().cropped();
    Window w = c.w().cropped();
    Dim n = signal.value().dims().get(0);
    long v = signal.value().dims().get(1).size();
    Dims part = site.outputPerSample(0);
    long times =
        part.product().size() / (h.out() * w.out() * c.weights().get(c.layout().out).size());
    Tensor s = positionsLast(e, images(e, signal.value(), c), n, v, times);
    Tensor input0 = images(e, site.value(0), c);
    long inputs = c.weights().get(c.layout().in).size() * h.kernel() * w.kernel();
    boolean inputsFirst = c.layout() == Layout.YXIO;
    Contribution product =
        new OuterProduct(
            e,
            s,
            () -> unfolded(e, input0, h, w, n, times),
            Dims.of(inputs, times * h.out() * w.out()),
            inputsFirst,
            signal.signs(),
            whole -> null);
    return product.through(new WeightsView(e, c.layout(), c.weights(), c.h(), c.w(), site.dims(1)));
  }

  /** [N·V·T, O, H, W] as [N, V, O, T·H·W]. */
  private static Tensor positionsLast(Emitter e, Tensor s, Dim n, long v, long times) {
    Dim o = s.dims().get(1);
    Dim p = s.dims().from(2).product();
    Tensor apart = e.reshape(s, Dims.of(n, Dim.of(v), Dim.of(times), o, p));
    return e.reshape(
        e.permute(apart, 0, 1, 3, 2, 4), Dims.of(n, Dim.of(v), o, p.times(Dim.of(times))));
  }

  /** The unfolded input [N, I, T·P]. */
  private static Tensor unfolded(Emitter e, Tensor images, Window h, Window w, Dim n, long times) {
    Tensor x = Patches.unfold(e, images, h, w);
    Tensor apart = e.reshape(x, Dims.of(n, Dim.of(times)).plus(x.dims().from(1)));
    return e.reshape(
        e.permute(apart, 0, 2, 1, 3),
        Dims.of(n, x.dims().get(1), x.dims().get(2).times(Dim.of(times))));
  }

  /** From [O, I · taps] or [I · taps, O], live taps only, to the weights' own layout. */
  private record WeightsView(Emitter e, Layout layout, Dims weights, Window h, Window w, Dims own)
      implements View {
    @Override
    public Tensor undo(Tensor value, int leading) {
      Dim out = weights.get(layout.out);
      Dim in = weights.get(layout.in);
      Dim y = Dim.of(h.endLive() - h.firstLive());
      Dim x = Dim.of(w.endLive() - w.firstLive());
      Dims lead = value.dims().range(0, leading);
      Tensor laidOut =
          switch (layout) {
            case YXIO -> permuted(e.reshape(value, lead.plus(in, y, x, out)), leading, 1, 2, 0, 3);
            case OIYX -> e.reshape(value, lead.plus(out, in, y, x));
            case OYXI -> permuted(e.reshape(value, lead.plus(out, in, y, x)), leading, 0, 2, 3, 1);
          };
      Tensor rows = e.pad(laidOut, leading + layout.y, h.firstLive(), h.kernel() - h.endLive());
      Tensor all = e.pad(rows, leading + layout.x, w.firstLive(), w.kernel() - w.endLive());
      return e.reshape(all, lead.plus(own));
    }

    private Tensor permuted(Tensor value, int leading, int... order) {
      int[] axes = new int[leading + order.length];
      for (int k = 0; k < axes.length; k++) {
        axes[k] = k < leading ? k : leading + order[k - leading];
      }
      return e.permute(value, axes);
    }
  }

  @Override
  public String name() {
    return "convolution";
  }
}
