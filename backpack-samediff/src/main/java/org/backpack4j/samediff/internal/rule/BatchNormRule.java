package org.backpack4j.samediff.internal.rule;

import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.backpack4j.samediff.internal.autodiff.BatchAxes;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.backpack4j.samediff.spi.UnsupportedOpException;

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

  private static boolean hasGamma(NodeContext context) {
    return context.node().iArg(0, 0) != 0;
  }

  /** The position of γ, −1 if there is none. */
  private static int gamma(NodeContext context) {
    return hasGamma(context) ? 3 : -1;
  }

  /** The channels' axes in the input's layout. */
  private static int[] channels(NodeContext context) {
    int rank = context.dims(0).rank();
    long[] arguments = context.node().iArgs();
    return arguments.length <= 2
        ? new int[] {rank - 1}
        : Arrays.stream(arguments, 2, arguments.length)
            .mapToInt(k -> (int) (k < 0 ? k + rank : k))
            .sorted()
            .toArray();
  }

  @Override
  public BatchAxis batchAxis(NodeContext context, int output) {
    BatchAxis place = context.batchAxis(0);
    return place.hasSamples() ? place : BatchAxes.withoutAxis(context);
  }

  @Override
  public void check(NodeContext context) {
    BatchAxis place = context.batchAxis(0);
    if (place.hasSamples() && Arrays.stream(channels(context)).anyMatch(k -> k == place.axis())) {
      throw new UnsupportedOpException(
          "its channels are on the sample axis", "give the channels another axis");
    }
    for (int k = 1; k < context.inputs(); k++) {
      if (context.batchAxis(k).hasSamples()) {
        throw new UnsupportedOpException(
            "its statistics or parameters have a sample axis", "write it with sub, mul and add");
      }
    }
  }

  /** The shape of a vector over the channels at [N, V, F…]. */
  private static Dims aligned(NodeContext context) {
    Dims aligned = Dims.of(1, 1);
    Dims part = context.perSample(0);
    int[] channels = channels(context);
    for (int k = 0; k < part.rank(); k++) {
      int axis = k;
      boolean channel =
          Arrays.stream(channels).map(context.batchAxis(0)::perSampleAxis).anyMatch(c -> c == axis);
      aligned = aligned.plus(channel ? part.get(k) : Dim.ONE);
    }
    return aligned;
  }

  private static Tensor aligned(NodeContext context, int input) {
    return context.emit().reshape(context.raw(input), aligned(context));
  }

  /** 1/√(v + ε). */
  private static Tensor inverse(NodeContext context) {
    Emitter e = context.emit();
    Tensor variance = aligned(context, VARIANCE);
    Tensor root = e.sqrt(e.plus(variance, context.node().tArg(0, 0)));
    return e.div(e.literal(1, root.type(), ones(root)), root);
  }

  private static Dims ones(Tensor like) {
    long[] shape = new long[like.rank()];
    Arrays.fill(shape, 1);
    return Dims.of(shape);
  }

  /** γ/√(v + ε). */
  private static Tensor scale(NodeContext context) {
    Tensor inverse = inverse(context);
    int gamma = gamma(context);
    return gamma < 0 ? inverse : context.emit().mul(aligned(context, gamma), inverse);
  }

  /** Sums over all but the channels: [N, V, F…] to the shape of an input over the channels. */
  private static Tensor sums(NodeContext context, int input, Tensor t) {
    Emitter e = context.emit();
    Dims aligned = aligned(context);
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
    return e.reshape(sum, sum.dims().range(0, 2).plus(context.dims(input)));
  }

  /** An expression over the channels, at [1, 1, C…], in the shape of an input: [1, 1, P…]. */
  private static Tensor likeInput(NodeContext context, int input, Tensor t) {
    return context.emit().reshape(t, Dims.of(1, 1).plus(context.dims(input)));
  }

  @Override
  public List<Integer> bilinear(NodeContext context) {
    return hasGamma(context) ? List.of(0, gamma(context)) : List.of();
  }

  /** The mean, which is taken off the input, does not act on the tangent. */
  @Override
  public NodeContext along(NodeContext context, int input, Tensor tangent) {
    NodeContext along = context.with(input, tangent);
    return input == 0
        ? along.with(MEAN, context.emit().scale(context.samplesFirst(MEAN), 0))
        : along;
  }

  @Override
  public Tensor vjp(NodeContext context, int input, int output, Tensor cotangent) {
    Emitter e = context.emit();
    if (input == 0) {
      return e.mul(cotangent, scale(context));
    }
    if (input == MEAN) {
      Tensor sums = sums(context, input, cotangent);
      return e.mul(sums, likeInput(context, input, e.scale(scale(context), -1)));
    }
    if (input != VARIANCE && input != gamma(context)) {
      return sums(context, input, cotangent); // β
    }
    Tensor centred = e.sub(context.value(0), aligned(context, MEAN));
    Tensor sums = sums(context, input, e.mul(cotangent, centred));
    return e.mul(sums, likeInput(context, input, byCentred(context, input)));
  }

  @Override
  public Tensor jvp(NodeContext context, int input, int output, Tensor tangent) {
    Emitter e = context.emit();
    if (input == 0) {
      return e.mul(tangent, scale(context));
    }
    Dims aligned = tangent.dims().range(0, 2).plus(aligned(context).from(2));
    Tensor here = e.reshape(tangent, aligned);
    return context.filled(output, timesSlope(context, input, here));
  }

  /** A tangent at an input over the channels, [1, V, C…] with ones, at the output. */
  private static Tensor timesSlope(NodeContext context, int input, Tensor tangent) {
    Emitter e = context.emit();
    if (input == MEAN) {
      return e.mul(tangent, e.scale(scale(context), -1));
    }
    if (input != VARIANCE && input != gamma(context)) {
      return tangent; // β
    }
    Tensor centred = e.sub(context.value(0), aligned(context, MEAN));
    return e.mul(e.mul(tangent, byCentred(context, input)), centred);
  }

  /** What x − μ is multiplied by in the derivative with respect to v or γ. */
  private static Tensor byCentred(NodeContext context, int input) {
    Emitter e = context.emit();
    Tensor inverse = inverse(context);
    return input == VARIANCE ? e.scale(e.mul(scale(context), e.square(inverse)), -0.5) : inverse;
  }

  @Override
  public boolean hasZeroHessian(NodeContext context, Set<Integer> active) {
    int gamma = gamma(context);
    boolean centred = active.contains(0) || active.contains(MEAN);
    return !active.contains(VARIANCE) && !(centred && active.contains(gamma));
  }

  @Override
  public String name() {
    return "batch normalisation";
  }
}
