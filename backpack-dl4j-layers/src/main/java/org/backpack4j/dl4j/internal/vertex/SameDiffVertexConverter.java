package org.backpack4j.dl4j.internal.vertex;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.backpack4j.dl4j.internal.convert.FeatureMask;
import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.backpack4j.dl4j.spi.VertexConverter;
import org.deeplearning4j.nn.conf.layers.samediff.SameDiffLambdaVertex;
import org.deeplearning4j.nn.conf.layers.samediff.SameDiffVertex;
import org.nd4j.autodiff.samediff.SDVariable;

/** {@code SameDiffVertex}: what the vertex defines is defined in our graph. */
final class SameDiffVertexConverter implements VertexConverter<SameDiffVertex> {
  @Override
  public LayerOutput convert(SameDiffVertex conf, ConversionContext context) {
    FeatureMask.refuse(context, "what it makes of it for those behind it is not known");
    List<String> names = conf.getVertexParams().getInputs();
    Map<String, SDVariable> inputs = new LinkedHashMap<>();
    for (int k = 0; k < names.size(); k++) {
      LayerOutput x = context.inputs().get(k);
      inputs.put(names.get(k), x.shaped());
    }
    Map<String, SDVariable> parameters = new LinkedHashMap<>();
    for (String key : conf.getVertexParams().getParamShapes().keySet()) {
      parameters.put(key, context.parameter(key).shaped());
    }
    SameDiffVertex own = own(conf, context);
    return context.measured(
        context.defined(() -> own.defineVertex(context.sd(), inputs, parameters, Map.of())));
  }

  /** A lambda vertex keeps the graph that it was first defined in: ours must be that of a copy. */
  private static SameDiffVertex own(SameDiffVertex conf, ConversionContext context) {
    if (!(conf instanceof SameDiffLambdaVertex)) {
      return conf;
    }
    try {
      return (SameDiffVertex) conf.clone();
    } catch (RuntimeException e) {
      throw context.refuse(
          "a SameDiffLambdaVertex can be inlined only if it can be copied: " + e.getMessage(),
          "make the class public, with a public constructor without arguments");
    }
  }
}
