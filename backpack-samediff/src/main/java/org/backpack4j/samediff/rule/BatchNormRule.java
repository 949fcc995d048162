package org.backpack4j.samediff.rule;

import java.util.Arrays;
import java.util.Set;
import org.backpack4j.samediff.backprop.Placements;
import org.backpack4j.samediff.backprop.Refused;
import org.backpack4j.samediff.backprop.Rule;
import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.graph.Dim;
import org.backpack4j.samediff.graph.Dims;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.Placement;
import org.backpack4j.samediff.graph.Tensor;

/**
 * {@code batchnorm}: y = γ (x − μ)/√(v + ε) + β, all but x given for each channel. With r = 1/√(v +
 * ε): dx = γ r S, dγ = r Σ (x − μ) S, dβ = Σ S, dμ = −γ r Σ S, dv = −½ γ r³ Σ (x − μ) S, the sums
 * over all but the channels.
 *
 * <p>M2.1's own gradient is that of batch statistics, whatever the statistics are. Where μ and v
 * are computed from the batch, the op that computes them lets samples influence each other; this
 * one does not.
 */
final class BatchNormRule implements Rule {
  private static final int MEAN = 1;
  private static final int VARIANCE = 2;

  private static boolean hasGamma(Site site) {
    return site.node().iArg(0, 0) != 0;
  }

  /** The position of γ, −1 if there is none. */
  private static int gamma(Site site) {
    return hasGamma(site) ? 3 : -1;
  }

  /** The channels' axes in the input's layout. */
  private static int[] channels(Site site) {
    int rank = site.dims(0).rank();
    long[] arguments = site.node().iArgs();
    return arguments.length <= 2
        ? new int[] {rank - 1}
        : Arrays.stream(arguments, 2, arguments.length)
            .mapToInt(k -> (int) (k < 0 ? k + rank : k))
            .sorted()
            .toArray();
  }

  @Override
  public Placement place(Site site, int output) {
    Placement place = site.placement(0);
    return place.hasSamples() ? place : Placements.withoutAxis(site);
  }

  @Override
  public void check(Site site) {
    Placement place = site.placement(0);
    if (place.hasSamples() && Arrays.stream(channels(site)).anyMatch(k -> k == place.axis())) {
      throw new Refused("its channels are on the sample axis", "give the channels another axis");
    }
    for (int k = 1; k < site.inputs(); k++) {
      if (site.placement(k).hasSamples()) {
        throw new Refused(
            "its statistics or parameters have a sample axis", "write it with sub, mul and add");
      }
    }
  }

  /** The shape of a vector over the channels at [N, V, F…]. */
  private static Dims aligned(Site site) {
    Dims aligned = Dims.of(1, 1);
    Dims part = site.perSample(0);
    int[] channels = channels(site);
    for (int k = 0; k < part.rank(); k++) {
      int axis = k;
      boolean channel =
          Arrays.stream(channels).map(site.placement(0)::perSampleAxis).anyMatch(c -> c == axis);
      aligned = aligned.plus(channel ? part.get(k) : Dim.ONE);
    }
    return aligned;
  }

  private static Tensor aligned(Site site, int input) {
    return site.emit().reshape(site.raw(input), aligned(site));
  }

  /** 1/√(v + ε). */
  private static Tensor inverse(Site site) {
    Emitter e = site.emit();
    Tensor variance = aligned(site, VARIANCE);
    Tensor root = e.sqrt(e.plus(variance, site.node().tArg(0, 0)));
    return e.div(e.literal(1, root.type(), ones(root)), root);
  }

  private static Dims ones(Tensor like) {
    long[] shape = new long[like.rank()];
    Arrays.fill(shape, 1);
    return Dims.of(shape);
  }

  /** γ/√(v + ε). */
  private static Tensor scale(Site site) {
    Tensor inverse = inverse(site);
    int gamma = gamma(site);
    return gamma < 0 ? inverse : site.emit().mul(aligned(site, gamma), inverse);
  }

  /** Sums over all but the channels: [N, V, F…] to the shape of an input over the channels. */
  private static Tensor sums(Site site, int input, Tensor t) {
    Emitter e = site.emit();
    Dims aligned = aligned(site);
    Tensor sum = t;
    int end = aligned.rank();
    while (end > 2) {
      int start = end;
      while (start > 2 && aligned.get(start - 1).isOne()) {
        start--;
      }
      if (start < end) {
        Dims kept = sum.dims();
        for (int k = start; k < end; k++) {
          kept = kept.with(k, Dim.ONE);
        }
        sum = e.reshape(e.sum(sum, start, end), kept);
      }
      end = start - 1;
    }
    return e.reshape(sum, sum.dims().range(0, 2).plus(site.dims(input)));
  }

  /** An expression over the channels, at [1, 1, C…], in the shape of an input: [1, 1, P…]. */
  private static Tensor likeInput(Site site, int input, Tensor t) {
    return site.emit().reshape(t, Dims.of(1, 1).plus(site.dims(input)));
  }

  @Override
  public Tensor pull(Site site, int input, int output, Tensor signal) {
    Emitter e = site.emit();
    if (input == 0) {
      return e.mul(signal, scale(site));
    }
    if (input == MEAN) {
      Tensor sums = sums(site, input, signal);
      return e.mul(sums, likeInput(site, input, e.scale(scale(site), -1)));
    }
    if (input != VARIANCE && input != gamma(site)) {
      return sums(site, input, signal); // β
    }
    Tensor centred = e.sub(site.value(0), aligned(site, MEAN));
    Tensor sums = sums(site, input, e.mul(signal, centred));
    Tensor inverse = inverse(site);
    Tensor factor =
        input == VARIANCE ? e.scale(e.mul(scale(site), e.square(inverse)), -0.5) : inverse;
    return e.mul(sums, likeInput(site, input, factor));
  }

  @Override
  public boolean linear(Site site, Set<Integer> active) {
    int gamma = gamma(site);
    boolean centred = active.contains(0) || active.contains(MEAN);
    return !active.contains(VARIANCE) && !(centred && active.contains(gamma));
  }

  @Override
  public String name() {
    return "batch normalisation";
  }
}
