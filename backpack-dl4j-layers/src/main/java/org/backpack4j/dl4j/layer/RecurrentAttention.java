package org.backpack4j.dl4j.layer;

import java.util.ArrayList;
import java.util.List;
import org.backpack4j.dl4j.convert.FeatureMask;
import org.backpack4j.dl4j.convert.LayerConverter;
import org.backpack4j.dl4j.convert.Obstacles;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.deeplearning4j.nn.conf.layers.RecurrentAttentionLayer;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.activations.IActivation;

/**
 * {@code RecurrentAttentionLayer}: H' = σ(X W + b + A R), where A is what the step before, as a
 * query, attends to in the whole time series [N, F, T].
 */
final class RecurrentAttention implements LayerConverter<RecurrentAttentionLayer> {
  @Override
  public void check(RecurrentAttentionLayer conf, Obstacles obstacles) {
    obstacles.activation(conf.getActivation().getActivationFunction());
  }

  @Override
  public Value convert(RecurrentAttentionLayer conf, Site site) {
    Heads.warn(site);
    Value x = site.input();
    Series series = new Series(site, x, null);
    SDVariable mask = FeatureMask.ofSteps(site, x, series.length());
    long units = conf.getNOut();
    IActivation activation = conf.getActivation().getActivationFunction();
    SDVariable projected = series.rows().variable().mmul(site.parameter("W").variable());
    if (site.has("b")) {
      projected = projected.add(site.parameter("b").variable());
    }
    List<SDVariable> steps = new ArrayList<>();
    for (SDVariable input : series.steps(projected, units)) {
      SDVariable z = input;
      // a single step depends on no other: its parameters get zeros, as DL4J's gradient has them
      boolean single = series.length() == 1;
      if (!steps.isEmpty() || single) {
        SDVariable before = single ? input : steps.get(steps.size() - 1);
        Value query = new Value(site.sd().reshape(before, -1, units, 1), -1, units, 1);
        Value seen = Heads.attend(site, conf.isProjectInput(), query, x, x, mask);
        SDVariable row = site.sd().reshape(seen.variable(), -1, seen.size(1));
        row = single ? row.mul(0) : row;
        z = z.add(row.mmul(site.parameter("RW").variable()));
      }
      steps.add(site.activate(activation, new Value(z, -1, units)).variable());
    }
    return series.together(steps, units);
  }
}
