package org.backpack4j.dl4j.spi;

import org.deeplearning4j.nn.conf.InputPreProcessor;
import org.deeplearning4j.nn.conf.dropout.IDropout;
import org.deeplearning4j.nn.conf.graph.GraphVertex;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.lossfunctions.ILossFunction;

/**
 * Where converters are registered, each for one class of configuration, not for its subclasses,
 * which may compute something else. A converter takes the place of an earlier one for the same
 * class, the library's included.
 */
public interface Converters {
  /**
   * Registers the converter of a layer.
   *
   * @param conf the class of its configuration; if it is abstract, for its subclasses too
   * @param converter converts it
   * @param <L> the class
   * @return these converters
   */
  <L extends Layer> Converters layer(Class<L> conf, LayerConverter<? super L> converter);

  /**
   * Registers the converter of a vertex.
   *
   * @param conf the class of its configuration; if it is abstract, for its subclasses too
   * @param converter converts it
   * @param <V> the class
   * @return these converters
   */
  <V extends GraphVertex> Converters vertex(Class<V> conf, VertexConverter<? super V> converter);

  /**
   * Registers the converter of a preprocessor.
   *
   * @param conf its class
   * @param converter converts it
   * @param <P> the class
   * @return these converters
   */
  <P extends InputPreProcessor> Converters preprocessor(
      Class<P> conf, PreprocessorConverter<? super P> converter);

  /**
   * Registers the converter of an activation function.
   *
   * @param function its class
   * @param converter converts it
   * @param <A> the class
   * @return these converters
   */
  <A extends IActivation> Converters activation(
      Class<A> function, ActivationConverter<? super A> converter);

  /**
   * Registers the converter of a loss function.
   *
   * @param loss its class; if it is abstract, for its subclasses too
   * @param converter converts it
   * @param <F> the class
   * @return these converters
   */
  <F extends ILossFunction> Converters loss(Class<F> loss, LossConverter<? super F> converter);

  /**
   * Registers the converter of what changes a layer's input at random.
   *
   * @param dropout its class
   * @param converter converts it
   * @param <D> the class
   * @return these converters
   */
  <D extends IDropout> Converters dropout(Class<D> dropout, DropoutConverter<? super D> converter);

  /**
   * Says that a subclass computes what its superclass does, so that the superclass's converter is
   * right for it: a layer that only adds settings to another, say.
   *
   * @param subclass the class of a layer, vertex, preprocessor, activation function, loss function
   *     or dropout
   * @param superclass a class that has a converter
   * @param <T> the superclass
   * @return these converters
   * @throws IllegalArgumentException if the superclass has no converter
   */
  <T> Converters sameAs(Class<? extends T> subclass, Class<T> superclass);
}
