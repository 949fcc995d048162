package org.backpack4j.dl4j.internal.layer;

import java.util.ArrayList;
import java.util.List;
import org.backpack4j.dl4j.internal.convert.FeatureMask;
import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerConverter;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.backpack4j.dl4j.spi.Obstacles;
import org.deeplearning4j.nn.conf.layers.RecurrentAttentionLayer;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.activations.IActivation;

/**
 * {@code RecurrentAttentionLayer}: H' = σ(X W + b + A R), where A is what the step before, as a
 * query, attends to in the whole time series [N, F, T].
 */
final class RecurrentAttentionLayerConverter implements LayerConverter<RecurrentAttentionLayer> {
  @Override
  public void check(RecurrentAttentionLayer conf, Obstacles obstacles) {
    obstacles.activation(conf.getActivation().getActivationFunction());
  }

  @Override
  public LayerOutput convert(RecurrentAttentionLayer conf, ConversionContext context) {
    Heads.warn(context);
    LayerOutput x = context.input();
    Series series = new Series(context, x, null);
    SDVariable mask = FeatureMask.ofSteps(context, x, series.length());
    long units = conf.getNOut();
    IActivation activation = conf.getActivation().getActivationFunction();
    SDVariable projected = series.rows().variable().mmul(context.parameter("W").variable());
    if (context.has("b")) {
      projected = projected.add(context.parameter("b").variable());
    }
    List<SDVariable> steps = new ArrayList<>();
    for (SDVariable input : series.steps(projected, units)) {
      SDVariable z = input;
      // a single step depends on no other: its parameters get zeros, as DL4J's gradient has them
      boolean single = series.length() == 1;
      if (!steps.isEmpty() || single) {
        SDVariable before = single ? input : steps.get(steps.size() - 1);
        LayerOutput query =
            new LayerOutput(context.sd().reshape(before, -1, units, 1), -1, units, 1);
        LayerOutput seen = Heads.attend(context, conf.isProjectInput(), query, x, x, mask);
        SDVariable row = context.sd().reshape(seen.variable(), -1, seen.size(1));
        row = single ? row.mul(0) : row;
        z = z.add(row.mmul(context.parameter("RW").variable()));
      }
      steps.add(context.activate(activation, new LayerOutput(z, -1, units)).variable());
    }
    return series.together(steps, units);
  }
}
