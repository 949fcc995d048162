package org.backpack4j.dl4j.internal.layer;

import java.util.LinkedHashMap;
import java.util.Map;
import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerConverter;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.deeplearning4j.nn.conf.layers.samediff.SameDiffOutputLayer;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * {@code SameDiffOutputLayer}: what the layer defines, its loss included, is defined in our graph.
 * The loss is taken for a sum over samples, as DL4J takes it. Second-order quantities start at the
 * layer's activations, unless the loss is one of SameDiff's own.
 */
final class SameDiffOutputLayerConverter implements LayerConverter<SameDiffOutputLayer> {
  private static final String INPUT = "input";

  @Override
  public LayerOutput convert(SameDiffOutputLayer conf, ConversionContext context) {
    LayerOutput x = context.input();
    long[] shape = context.output() ? context.labelShape() : null;
    if (shape == null) {
      throw context.refuse(
          "the shape of its labels is not known",
          "let it be an output, and convert the network by an example: like(batch)");
    }
    if (context.labelMask() != null) {
      throw context.refuse("DL4J leaves masks of its labels out", "train without labels' masks");
    }
    Map<String, SDVariable> parameters = new LinkedHashMap<>();
    for (String key : conf.getLayerParams().getParamShapes().keySet()) {
      parameters.put(key, context.parameter(key).shaped());
    }
    SDVariable labels = new LayerOutput(context.labels(shape), shape).shaped();
    SDVariable in = x.shaped();
    SDVariable loss = context.defined(() -> conf.defineLayer(context.sd(), in, labels, parameters));
    LayerOutput activations = activations(conf.activationsVertexName(), context);
    context.inlined(loss, activations.variable());
    return activations;
  }

  private static LayerOutput activations(String name, ConversionContext context) {
    if (name.equals(INPUT)) {
      return context.input();
    }
    SDVariable scoped = context.sd().getVariable(context.name() + "/" + name);
    SDVariable found = scoped == null ? context.sd().getVariable(name) : scoped;
    if (found == null) {
      throw context.refuse(
          "it defines no variable \"" + name + "\", the activations that it names",
          "name one in activationsVertexName()");
    }
    return context.measured(found);
  }
}
