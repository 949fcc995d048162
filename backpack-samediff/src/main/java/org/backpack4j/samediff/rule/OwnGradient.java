package org.backpack4j.samediff.rule;

import org.backpack4j.samediff.backprop.Refused;
import org.backpack4j.samediff.backprop.Rule;
import org.backpack4j.samediff.backprop.Site;
import org.backpack4j.samediff.graph.Dim;
import org.backpack4j.samediff.graph.Dims;
import org.backpack4j.samediff.graph.Emitter;
import org.backpack4j.samediff.graph.Placement;
import org.backpack4j.samediff.graph.PlainOp;
import org.backpack4j.samediff.graph.Tensor;

/**
 * The fallback for an op without a rule of its own: ND4J's gradient of the op, once, on inputs that
 * are repeated for each column, as if every column were a sample. Right where the op treats samples
 * apart and ND4J's gradient is right; {@link OwnGradients} says for which ops it is.
 *
 * <p>Parameters that the op reads get the sum over all samples, and so the gradient alone.
 */
final class OwnGradient implements Rule {
  /** Where the op's outputs have their samples. */
  @FunctionalInterface
  interface Place {
    Placement of(Site site, int output);
  }

  private final Place place;

  OwnGradient(Place place) {
    this.place = place;
  }

  @Override
  public Placement place(Site site, int output) {
    return place.of(site, output);
  }

  @Override
  public void check(Site site) {
    checkKnown(site);
  }

  /** An op that was rewritten for M2.1's file format has lost its gradient. */
  static void checkKnown(Site site) {
    if (site.node().function() instanceof PlainOp) {
      throw new Refused(
          "ND4J's gradient of " + site.node().op() + " is not known here", "use another op");
    }
  }

  @Override
  public boolean differentiable(Site site, int input) {
    return site.type(input).isFPType();
  }

  @Override
  public boolean keepsSamplesApart(Site site, int input) {
    return site.placement(input).hasSamples();
  }

  @Override
  public Tensor pull(Site site, int input, int output, Tensor signal) {
    Tensor above = site.outputPlacement(output).hasSamples() ? signal : summed(site, signal);
    Tensor gradient = site.ownGradient(output, above).get(input);
    return gradient != null ? gradient : zero(site, input, signal);
  }

  private static Tensor summed(Site site, Tensor signal) {
    Emitter e = site.emit();
    Tensor sum = e.sumOverSamples(signal);
    return e.reshape(sum, Dims.of(Dim.ONE).plus(sum.dims()));
  }

  private static Tensor zero(Site site, int input, Tensor signal) {
    Emitter e = site.emit();
    Tensor zero = e.scale(site.value(input), 0);
    return e.broadcast(zero, zero.dims().with(1, signal.dims().get(1)));
  }

  @Override
  public String name() {
    return "ND4J's gradient";
  }
}
