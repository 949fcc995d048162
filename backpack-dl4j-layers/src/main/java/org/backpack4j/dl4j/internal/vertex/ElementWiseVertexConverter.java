package org.backpack4j.dl4j.internal.vertex;

import java.util.Arrays;
import java.util.List;
import java.util.function.BinaryOperator;
import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.backpack4j.dl4j.spi.VertexConverter;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.factory.Nd4j;

/**
 * {@code ElementWiseVertex}: sum, difference, product, average or maximum of the inputs. An axis of
 * length one is as long as that of the others: [N, C, 1, 1] ∘ [N, C, H, W], say.
 */
final class ElementWiseVertexConverter implements VertexConverter<ElementWiseVertex> {
  @Override
  public LayerOutput convert(ElementWiseVertex conf, ConversionContext context) {
    List<LayerOutput> in = context.inputs();
    long[] shape = common(context);
    SDVariable all =
        switch (conf.getOp()) {
          case Add -> reduce(in, SDVariable::add);
          case Subtract -> in.get(0).variable().sub(in.get(1).variable());
          case Product -> reduce(in, SDVariable::mul);
          case Average -> reduce(in, SDVariable::add).div(in.size());
          case Max ->
              context
                  .sd()
                  .math()
                  .mergeMax(
                      in.stream()
                          .map(v -> stretched(context, v, shape))
                          .toArray(SDVariable[]::new));
        };
    return new LayerOutput(all, shape, Masks.either(context, in));
  }

  /** The shape that all inputs are stretched to. */
  private static long[] common(ConversionContext context) {
    List<LayerOutput> in = context.inputs();
    long[] shape = in.get(0).shape();
    for (LayerOutput other : in) {
      for (int k = 0; other.rank() == shape.length && k < shape.length; k++) {
        shape[k] = shape[k] == 1 ? other.size(k) : shape[k];
      }
    }
    for (LayerOutput other : in) {
      boolean fits = other.rank() == shape.length;
      for (int k = 0; fits && k < shape.length; k++) {
        fits = other.size(k) == shape[k] || other.size(k) == 1;
      }
      if (!fits) {
        throw context.refuse(
            "its inputs have different shapes: " + in, "bring them to the same shape first");
      }
    }
    return shape;
  }

  /** Written out, since the maximum of several inputs does not stretch them. */
  private static SDVariable stretched(ConversionContext context, LayerOutput value, long[] shape) {
    if (Arrays.equals(value.shape(), shape)) {
      return value.variable();
    }
    long[] ones = shape.clone();
    ones[0] = 1;
    return value.variable().mul(context.constant(Nd4j.ones(context.type(), ones)));
  }

  private static SDVariable reduce(List<LayerOutput> in, BinaryOperator<SDVariable> op) {
    return in.stream().map(LayerOutput::variable).reduce(op).orElseThrow();
  }
}
