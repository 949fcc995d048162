package org.backpack4j.dl4j.vertex;

import java.util.Arrays;
import java.util.List;
import java.util.function.BinaryOperator;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.backpack4j.dl4j.convert.VertexConverter;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.nd4j.autodiff.samediff.SDVariable;

/** {@code ElementWiseVertex}: sum, difference, product, average or maximum of the inputs. */
final class ElementWise implements VertexConverter<ElementWiseVertex> {
  @Override
  public boolean readsMask() {
    return true; // what is there in one of them
  }

  @Override
  public Value convert(ElementWiseVertex conf, Site site) {
    List<Value> in = site.inputs();
    for (Value other : in) {
      if (!Arrays.equals(other.shape(), in.get(0).shape())) {
        throw site.refuse(
            "its inputs have different shapes: " + in, "bring them to the same shape first");
      }
    }
    SDVariable all =
        switch (conf.getOp()) {
          case Add -> reduce(in, SDVariable::add);
          case Subtract -> in.get(0).variable().sub(in.get(1).variable());
          case Product -> reduce(in, SDVariable::mul);
          case Average -> reduce(in, SDVariable::add).div(in.size());
          case Max ->
              site.sd()
                  .math()
                  .mergeMax(in.stream().map(Value::variable).toArray(SDVariable[]::new));
        };
    return new Value(all, in.get(0).shape(), Masks.either(site, in));
  }

  private static SDVariable reduce(List<Value> in, BinaryOperator<SDVariable> op) {
    return in.stream().map(Value::variable).reduce(op).orElseThrow();
  }
}
