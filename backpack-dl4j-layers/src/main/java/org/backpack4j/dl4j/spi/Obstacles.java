package org.backpack4j.dl4j.spi;

import org.deeplearning4j.nn.conf.InputPreProcessor;
import org.deeplearning4j.nn.conf.graph.GraphVertex;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.lossfunctions.ILossFunction;

/** What stands in the way of one layer or vertex, by its configuration alone. */
public interface Obstacles {
  /**
   * Adds an obstacle.
   *
   * @param reason what is not supported
   * @param remedy what to do
   */
  void add(String reason, String remedy);

  /**
   * Adds an obstacle if a condition holds.
   *
   * @param condition whether there is one
   * @param reason what is not supported
   * @param remedy what to do
   */
  void addIf(boolean condition, String reason, String remedy);

  /**
   * Adds what stands in the way of a layer: the step's own, or one that it contains.
   *
   * @param layer the layer's configuration
   * @param <L> its class
   */
  <L extends Layer> void layer(L layer);

  /**
   * Adds what stands in the way of a layer that runs in evaluation mode, where nothing should be
   * random.
   *
   * @param layer the layer's configuration
   * @param <L> its class
   */
  <L extends Layer> void frozen(L layer);

  /**
   * Whether DL4J changes a layer's input at random: not in evaluation mode, not where everything is
   * kept, and not in loss layers, which have what is set for the whole network and leave it out.
   *
   * @param layer the layer's configuration
   * @return whether it does
   */
  boolean drops(Layer layer);

  /**
   * Adds what stands in the way of a vertex: the step's own, or one that it contains.
   *
   * @param vertex the vertex' configuration
   * @param <V> its class
   */
  <V extends GraphVertex> void vertex(V vertex);

  /**
   * Adds what stands in the way of a preprocessor.
   *
   * @param preprocessor the preprocessor
   */
  void preprocessor(InputPreProcessor preprocessor);

  /**
   * Adds what stands in the way of an activation function.
   *
   * @param function the function
   * @param <A> its class
   */
  <A extends IActivation> void activation(A function);

  /**
   * Adds what stands in the way of a loss function.
   *
   * @param loss the loss function
   * @param activation the output layer's activation function
   * @param <F> its class
   */
  <F extends ILossFunction> void loss(F loss, IActivation activation);
}
