package org.backpack4j.dl4j.vertex;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.backpack4j.dl4j.convert.FeatureMask;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.backpack4j.dl4j.convert.VertexConverter;
import org.deeplearning4j.nn.conf.layers.samediff.SameDiffLambdaVertex;
import org.deeplearning4j.nn.conf.layers.samediff.SameDiffVertex;
import org.nd4j.autodiff.samediff.SDVariable;

/** {@code SameDiffVertex}: what the vertex defines is defined in our graph. */
final class Inlined implements VertexConverter<SameDiffVertex> {
  @Override
  public Value convert(SameDiffVertex conf, Site site) {
    FeatureMask.refuse(site, "what it makes of it for those behind it is not known");
    List<String> names = conf.getVertexParams().getInputs();
    Map<String, SDVariable> inputs = new LinkedHashMap<>();
    for (int k = 0; k < names.size(); k++) {
      Value x = site.inputs().get(k);
      inputs.put(names.get(k), x.shaped());
    }
    Map<String, SDVariable> parameters = new LinkedHashMap<>();
    for (String key : conf.getVertexParams().getParamShapes().keySet()) {
      parameters.put(key, site.parameter(key).shaped());
    }
    SameDiffVertex own = own(conf, site);
    return site.measured(
        site.defined(() -> own.defineVertex(site.sd(), inputs, parameters, Map.of())));
  }

  /** A lambda vertex keeps the graph that it was first defined in: ours must be that of a copy. */
  private static SameDiffVertex own(SameDiffVertex conf, Site site) {
    if (!(conf instanceof SameDiffLambdaVertex)) {
      return conf;
    }
    try {
      return (SameDiffVertex) conf.clone();
    } catch (RuntimeException e) {
      throw site.refuse(
          "a SameDiffLambdaVertex can be inlined only if it can be copied: " + e.getMessage(),
          "make the class public, with a public constructor without arguments");
    }
  }
}
