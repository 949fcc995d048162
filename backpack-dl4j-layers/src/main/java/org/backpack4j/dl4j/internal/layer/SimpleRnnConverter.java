package org.backpack4j.dl4j.internal.layer;

import java.util.ArrayList;
import java.util.List;
import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerConverter;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.backpack4j.dl4j.spi.Obstacles;
import org.deeplearning4j.nn.conf.layers.recurrent.SimpleRnn;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * {@code SimpleRnn}: H' = σ(X W + H R + b). What is masked is zero, also as the state of the next
 * step. The first step's H is zero, or what the sequence's part before has left.
 */
final class SimpleRnnConverter implements LayerConverter<SimpleRnn> {
  @Override
  public void check(SimpleRnn conf, Obstacles obstacles) {
    obstacles.addIf(
        conf.hasLayerNorm(),
        "DL4J 1.0.0-M2.1 fails on layer normalisation in a SimpleRnn",
        "leave hasLayerNorm(true) out");
  }

  @Override
  public LayerOutput convert(SimpleRnn conf, ConversionContext context) {
    Series series = new Series(context, context.input(), conf.getRnnDataFormat());
    long units = conf.getNOut();
    SDVariable recurrent = context.parameter("RW").variable();
    SDVariable projected =
        series
            .rows()
            .variable()
            .mmul(context.parameter("W").variable())
            .add(context.parameter("b").variable());
    List<SDVariable> inputs = series.steps(projected, units);
    List<@Nullable SDVariable> masks = series.masks();
    List<SDVariable> steps = new ArrayList<>();
    SDVariable before = series.begin("prevAct", units);
    for (int t = 0; t < inputs.size(); t++) {
      SDVariable z = before == null ? inputs.get(t) : inputs.get(t).add(before.mmul(recurrent));
      SDVariable h =
          context.activate(conf.getActivationFn(), new LayerOutput(z, -1, units)).variable();
      SDVariable mask = masks.get(t);
      before = mask == null ? h : h.mul(mask);
      steps.add(before);
    }
    return series.together(steps, units);
  }
}
