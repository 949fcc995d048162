package org.backpack4j.dl4j.spi;

import java.util.List;
import java.util.function.Supplier;
import org.deeplearning4j.nn.conf.InputPreProcessor;
import org.deeplearning4j.nn.conf.graph.GraphVertex;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.lossfunctions.ILossFunction;

/** What a converter sees: the layer's or vertex' inputs and parameters, and the graph. */
public interface ConversionContext {
  /**
   * The name of the layer or vertex.
   *
   * @return its name; of a layer of a MultiLayerNetwork, its number
   */
  String name();

  /**
   * The graph that is being made.
   *
   * @return the graph
   */
  SameDiff sd();

  /**
   * The network's type.
   *
   * @return the type of parameters and activations
   */
  DataType type();

  /**
   * The only input.
   *
   * @return what comes in
   */
  LayerOutput input();

  /**
   * All inputs.
   *
   * @return what comes in, in the vertex' order
   */
  List<LayerOutput> inputs();

  /**
   * An input of the network, for vertices that look at its length or mask.
   *
   * @param input its name
   * @return what comes in
   */
  LayerOutput network(String input);

  /**
   * A parameter: a variable that shares the network's array and has quantities of its own.
   *
   * @param key DL4J's key, "W" say
   * @return its value, in DL4J's own layout
   */
  LayerOutput parameter(String key);

  /**
   * An array of the layer that is not trained by its gradient: the statistics of batch
   * normalisation, say. It is shared as a parameter is, but has no quantities.
   *
   * @param key DL4J's key
   * @return its value
   */
  LayerOutput state(String key);

  /**
   * Whether the layer has an array of that key.
   *
   * @param key DL4J's key
   * @return whether there is one
   */
  boolean has(String key);

  /**
   * What a recurrent layer begins with, where the network is trained by truncated backpropagation
   * through time: a placeholder [N, units].
   *
   * @param key DL4J's key
   * @param units how many numbers for each sample
   * @return the variable; null if the layer begins with zeros
   */
  @Nullable SDVariable initialState(String key, long units);

  /**
   * Emits an activation function.
   *
   * @param function the function
   * @param x its argument
   * @return its value
   */
  LayerOutput activate(IActivation function, LayerOutput x);

  /**
   * Where shapes cannot be told from the configuration: computes a variable for two samples of
   * zeros, and sees.
   *
   * @param variable a variable of the graph
   * @return the variable with its shape
   */
  LayerOutput measured(SDVariable variable);

  /**
   * Emits a layer that this one contains.
   *
   * @param conf its configuration
   * @param keys what its parameters' keys begin with in this layer
   * @param input what it is given
   * @return its activations
   */
  LayerOutput inner(Layer conf, String keys, LayerOutput input);

  /**
   * Emits a layer that this one contains, and may make it apply the mask.
   *
   * @param conf its configuration
   * @param keys what its parameters' keys begin with in this layer
   * @param input what it is given
   * @param masked whether it is to apply the input's mask where it would only pass it on by itself
   * @return its activations
   */
  LayerOutput inner(Layer conf, String keys, LayerOutput input, boolean masked);

  /**
   * The mask that a layer which this one contains hands on.
   *
   * @param conf its configuration
   * @param input what it is given
   * @return its mask, or null
   */
  @Nullable LayerOutput innerMask(Layer conf, LayerOutput input);

  /**
   * Whether a layer that contains this one makes it apply the mask.
   *
   * @return whether the mask is to be applied by layers that only pass it on by themselves
   */
  boolean masking();

  /**
   * Emits a preprocessor.
   *
   * @param preprocessor the preprocessor
   * @param input what it is given
   * @return what it answers
   */
  LayerOutput preprocessed(InputPreProcessor preprocessor, LayerOutput input);

  /**
   * Emits a layer that this one contains and whose parameters are not trained.
   *
   * @param conf its configuration
   * @param input what it is given
   * @return its activations
   */
  LayerOutput frozen(Layer conf, LayerOutput input);

  /**
   * Emits a vertex that this one contains and whose parameters are not trained.
   *
   * @param conf its configuration
   * @return what it answers
   */
  LayerOutput frozen(GraphVertex conf);

  /**
   * Whether batch normalisation uses its running statistics: where the person chose so, and in a
   * frozen layer.
   *
   * @return false for those of the batch
   */
  boolean runningStatistics();

  /**
   * Tells the mean and the variance of the batch, of which the layer keeps running averages.
   *
   * @param decay how much of the running averages a batch leaves
   * @param mean the batch's mean, an entry for each channel
   * @param variance the batch's biased variance, an entry for each channel
   */
  void batchStatistic(double decay, SDVariable mean, SDVariable variance);

  /**
   * Whether the step is one of the network's outputs, so that its labels and loss are wanted.
   *
   * @return whether it is
   */
  boolean output();

  /**
   * The labels: a placeholder of the network's type.
   *
   * @param shape their shape, −1 where the samples are
   * @return the variable
   */
  SDVariable labels(long... shape);

  /**
   * The shape of the labels.
   *
   * @return the shape, −1 where the samples are; null if it is not known
   */
  long @Nullable [] labelShape();

  /**
   * The mask of the labels.
   *
   * @return a placeholder with its shape; null if there is none
   */
  @Nullable LayerOutput labelMask();

  /**
   * The mask of an output layer's loss: that of the labels, or else that of the features that comes
   * with the input. DL4J puts both into the same place.
   *
   * @return the mask with its shape; null if there is none
   */
  @Nullable LayerOutput lossMask();

  /**
   * How many numbers the labels of a row are.
   *
   * @param loss the loss function
   * @param columns the number of values in a row of what goes into the activation function
   * @return the number of columns of the labels
   */
  long labelColumns(ILossFunction loss, long columns);

  /**
   * Emits the loss of an output layer; to be called once, and only for an {@link #output()}.
   *
   * @param loss the loss function
   * @param activation the activation function
   * @param preOutput what goes into the activation function, as rows [N·R, C]
   * @param labels the labels, as rows [N·R, C]
   * @param mask [N·R, 1] or [N·R, C], or null
   * @param rowsPerSample R: 1, the number of time steps, or of pixels
   */
  void loss(
      ILossFunction loss,
      IActivation activation,
      LayerOutput preOutput,
      SDVariable labels,
      @Nullable LayerOutput mask,
      long rowsPerSample);

  /**
   * Adds a loss that the layer writes out of simple ops.
   *
   * @param terms a term for each sample [N]
   * @param predictions what they are computed from: where second-order quantities start
   */
  void writtenOut(SDVariable terms, SDVariable predictions);

  /**
   * Has a person's own layer or vertex define something in our graph. DL4J has it defined, too:
   * what either draws is not what the other does.
   *
   * @param definition defines it
   * @return what it has defined
   */
  SDVariable defined(Supplier<SDVariable> definition);

  /**
   * Adds a loss that a person has defined.
   *
   * @param loss the sum over all samples
   * @param predictions where second-order quantities start, unless it is one of SameDiff's own
   */
  void inlined(SDVariable loss, SDVariable predictions);

  /**
   * Says that something cannot be converted.
   *
   * @param reason what is not supported
   * @param remedy what to do
   * @return an exception to throw
   */
  ConversionException refuse(String reason, String remedy);

  /**
   * A constant of the network's type.
   *
   * @param array the values
   * @return the variable
   */
  SDVariable constant(INDArray array);
}
