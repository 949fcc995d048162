package org.backpack4j.dl4j.internal.convert;

import java.lang.reflect.Modifier;
import java.util.Map;
import org.deeplearning4j.nn.conf.InputPreProcessor;
import org.deeplearning4j.nn.conf.dropout.IDropout;
import org.deeplearning4j.nn.conf.graph.GraphVertex;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.lossfunctions.ILossFunction;

/**
 * Who converts what, by the exact class of the configuration, since a subclass may compute
 * something else. Only an abstract class in a table, as those of SameDiff layers are, stands for
 * its subclasses.
 *
 * @param layers the converters of layers
 * @param vertices the converters of vertices
 * @param preprocessors the converters of preprocessors
 * @param activations the converters of activation functions
 * @param losses the converters of loss functions
 * @param dropouts the converters of what changes inputs at random
 */
public record ConverterRegistry(
    Map<Class<?>, LayerConverter<?>> layers,
    Map<Class<?>, VertexConverter<?>> vertices,
    Map<Class<?>, PreprocessorConverter<?>> preprocessors,
    Map<Class<?>, ActivationConverter<?>> activations,
    Map<Class<?>, LossConverter<?>> losses,
    Map<Class<?>, DropoutConverter<?>> dropouts) {

  @SuppressWarnings("unchecked") // the tables are filled by methods that hold the types together
  <L extends Layer> @Nullable LayerConverter<L> of(L conf) {
    return (LayerConverter<L>) open(layers, conf.getClass());
  }

  @SuppressWarnings("unchecked")
  <V extends GraphVertex> @Nullable VertexConverter<V> of(V conf) {
    return (VertexConverter<V>) open(vertices, conf.getClass());
  }

  @SuppressWarnings("unchecked")
  <P extends InputPreProcessor> @Nullable PreprocessorConverter<P> of(P conf) {
    return (PreprocessorConverter<P>) preprocessors.get(conf.getClass());
  }

  @SuppressWarnings("unchecked")
  <A extends IActivation> @Nullable ActivationConverter<A> of(A function) {
    return (ActivationConverter<A>) activations.get(function.getClass());
  }

  @SuppressWarnings("unchecked")
  <F extends ILossFunction> @Nullable LossConverter<F> of(F loss) {
    return (LossConverter<F>) open(losses, loss.getClass());
  }

  @SuppressWarnings("unchecked")
  <D extends IDropout> @Nullable DropoutConverter<D> of(D dropout) {
    return (DropoutConverter<D>) dropouts.get(dropout.getClass());
  }

  private static <C> @Nullable C open(Map<Class<?>, C> table, Class<?> exact) {
    C converter = table.get(exact);
    for (Class<?> c = exact.getSuperclass(); converter == null && c != null; ) {
      converter = Modifier.isAbstract(c.getModifiers()) ? table.get(c) : null;
      c = c.getSuperclass();
    }
    return converter;
  }
}
