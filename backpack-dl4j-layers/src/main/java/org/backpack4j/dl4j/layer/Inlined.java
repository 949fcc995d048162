package org.backpack4j.dl4j.layer;

import java.util.LinkedHashMap;
import java.util.Map;
import org.backpack4j.dl4j.convert.LayerConverter;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.deeplearning4j.nn.conf.layers.samediff.SameDiffLayer;
import org.nd4j.autodiff.samediff.SDVariable;

/** {@code SameDiffLayer}: what the layer defines is defined in our graph. */
final class Inlined implements LayerConverter<SameDiffLayer> {
  @Override
  public Value convert(SameDiffLayer conf, Site site) {
    Value x = site.input();
    Map<String, SDVariable> parameters = new LinkedHashMap<>();
    for (String key : conf.getLayerParams().getParamShapes().keySet()) {
      parameters.put(key, site.parameter(key).shaped());
    }
    SDVariable out = conf.defineLayer(site.sd(), x.shaped(), parameters, x.mask());
    return site.measured(out);
  }
}
