package org.backpack4j.dl4j.layer;

import java.util.LinkedHashMap;
import java.util.Map;
import org.backpack4j.dl4j.convert.LayerConverter;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.deeplearning4j.nn.conf.layers.samediff.SameDiffOutputLayer;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * {@code SameDiffOutputLayer}: what the layer defines, its loss included, is defined in our graph.
 * The loss is taken for a sum over samples, as DL4J takes it. Second-order quantities start at the
 * layer's activations, unless the loss is one of SameDiff's own.
 */
final class InlinedOutput implements LayerConverter<SameDiffOutputLayer> {
  private static final String INPUT = "input";

  @Override
  public Value convert(SameDiffOutputLayer conf, Site site) {
    Value x = site.input();
    long[] shape = site.output() ? site.labelShape() : null;
    if (shape == null) {
      throw site.refuse(
          "the shape of its labels is not known",
          "let it be an output, and convert the network by an example: like(batch)");
    }
    if (site.labelMask() != null) {
      throw site.refuse("DL4J leaves masks of its labels out", "train without labels' masks");
    }
    Map<String, SDVariable> parameters = new LinkedHashMap<>();
    for (String key : conf.getLayerParams().getParamShapes().keySet()) {
      parameters.put(key, site.parameter(key).shaped());
    }
    SDVariable labels = new Value(site.labels(shape), shape).shaped();
    SDVariable in = x.shaped();
    SDVariable loss = site.defined(() -> conf.defineLayer(site.sd(), in, labels, parameters));
    Value activations = activations(conf.activationsVertexName(), site);
    site.inlined(loss, activations.variable());
    return activations;
  }

  private static Value activations(String name, Site site) {
    if (name.equals(INPUT)) {
      return site.input();
    }
    SDVariable scoped = site.sd().getVariable(site.name() + "/" + name);
    SDVariable found = scoped == null ? site.sd().getVariable(name) : scoped;
    if (found == null) {
      throw site.refuse(
          "it defines no variable \"" + name + "\", the activations that it names",
          "name one in activationsVertexName()");
    }
    return site.measured(found);
  }
}
