package org.backpack4j.dl4j.vertex;

import java.util.List;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.backpack4j.dl4j.convert.VertexConverter;
import org.deeplearning4j.nn.conf.graph.StackVertex;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * {@code StackVertex}: the inputs as one batch, one behind the other. The samples stay
 * recognisable: they are an axis that is folded with that of the inputs.
 */
final class Stack implements VertexConverter<StackVertex> {
  @Override
  public Value convert(StackVertex conf, Site site) {
    List<Value> in = site.inputs();
    long[] shape = in.get(0).shape();
    for (Value value : in) {
      if (!java.util.Arrays.equals(value.shape(), shape)) {
        throw site.refuse(
            "its inputs have different shapes: " + in, "bring them to the same shape first");
      }
    }
    SDVariable[] variables = in.stream().map(Value::variable).toArray(SDVariable[]::new);
    return new Value(site.sd().reshape(site.sd().stack(0, variables), shape), shape);
  }
}
