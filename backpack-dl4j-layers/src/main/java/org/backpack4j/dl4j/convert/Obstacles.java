package org.backpack4j.dl4j.convert;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.deeplearning4j.nn.conf.InputPreProcessor;
import org.deeplearning4j.nn.conf.dropout.Dropout;
import org.deeplearning4j.nn.conf.dropout.IDropout;
import org.deeplearning4j.nn.conf.graph.GraphVertex;
import org.deeplearning4j.nn.conf.layers.BaseLayer;
import org.deeplearning4j.nn.conf.layers.Convolution1D;
import org.deeplearning4j.nn.conf.layers.Convolution1DLayer;
import org.deeplearning4j.nn.conf.layers.Convolution3D;
import org.deeplearning4j.nn.conf.layers.Deconvolution2D;
import org.deeplearning4j.nn.conf.layers.Deconvolution3D;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.SpaceToDepthLayer;
import org.deeplearning4j.nn.conf.layers.Upsampling1D;
import org.deeplearning4j.nn.conf.layers.misc.RepeatVector;
import org.deeplearning4j.nn.conf.preprocessor.ComposableInputPreProcessor;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.lossfunctions.ILossFunction;

/** What stands in the way of one layer or vertex, by its configuration alone. */
public final class Obstacles {
  private static final String SWITCH_OFF =
      "switch it off while quantities are asked for: dropOut(1.0) in the configuration, or"
          + " conf.getLayer().setIDropout(null)";

  private static final String LEAVE_OUT =
      "write it as a SameDiff layer, or use one of those listed in docs/guide-dl4j.md";

  /**
   * Layers that DL4J 1.0.0-M2.1 gives a mask in the forward pass, which their backward pass
   * forgets.
   */
  private static final Set<Class<?>> FORGETFUL =
      Set.of(
          Convolution1D.class,
          Convolution1DLayer.class,
          Convolution3D.class,
          Deconvolution2D.class,
          Deconvolution3D.class,
          RepeatVector.class,
          SpaceToDepthLayer.class,
          Upsampling1D.class);

  private final Tables tables;
  private final String where;
  private final boolean output;
  private final boolean iteration;
  private final List<Obstacle> found = new ArrayList<>();
  private final List<IDropout> dropouts = new ArrayList<>();

  Obstacles(Tables tables, Step step, boolean iteration) {
    this.tables = tables;
    this.where = step.where();
    this.output = step.output();
    this.iteration = iteration;
  }

  /**
   * Adds an obstacle.
   *
   * @param reason what is not supported
   * @param remedy what to do
   */
  public void add(String reason, String remedy) {
    found.add(new Obstacle(where, reason, remedy));
  }

  /**
   * Adds an obstacle if a condition holds.
   *
   * @param condition whether there is one
   * @param reason what is not supported
   * @param remedy what to do
   */
  public void addIf(boolean condition, String reason, String remedy) {
    if (condition) {
      add(reason, remedy);
    }
  }

  /**
   * Adds what stands in the way of a layer: the step's own, or one that it contains.
   *
   * @param layer the layer's configuration
   * @param <L> its class
   */
  public <L extends Layer> void layer(L layer) {
    LayerConverter<L> converter = tables.of(layer);
    if (converter == null) {
      add("there is no converter for a " + layer.getClass().getSimpleName(), LEAVE_OUT);
      return;
    }
    if (layer.getIDropout() != null) {
      dropout(layer.getIDropout(), layer);
    }
    if (layer instanceof BaseLayer base) {
      addIf(
          base.getWeightNoise() != null,
          "its weights are changed at random in each iteration (weight noise)",
          "leave weightNoise(…) out");
      if (base.getActivationFn() != null) {
        activation(base.getActivationFn());
      }
    }
    converter.check(layer, this);
  }

  /**
   * Adds what stands in the way of a layer that runs in evaluation mode: nothing is random there.
   *
   * @param layer the layer's configuration
   * @param <L> its class
   */
  public <L extends Layer> void frozen(L layer) {
    LayerConverter<L> converter = tables.of(layer);
    if (converter == null) {
      add("there is no converter for a " + layer.getClass().getSimpleName(), LEAVE_OUT);
    } else {
      if (layer instanceof BaseLayer base && base.getActivationFn() != null) {
        activation(base.getActivationFn());
      }
      converter.check(layer, this);
    }
  }

  private <D extends IDropout> void dropout(D dropout, Layer layer) {
    if (dropout instanceof Dropout d && d.getP() == 1 && d.getPSchedule() == null) {
      return;
    }
    DropoutConverter<D> converter = tables.of(dropout);
    String passes = "its input passes a " + dropout.getClass().getSimpleName() + ", whose random ";
    if (converter == null) {
      add(passes + "numbers DL4J does not keep", SWITCH_OFF);
    } else if (!iteration) {
      add(
          passes + "numbers are those of one iteration",
          "ask a BackPackListener, which has them, or " + SWITCH_OFF);
    } else if (output) {
      add(
          passes + "numbers DL4J draws and forgets between its calls of listeners",
          "put a DropoutLayer before the output layer instead, or " + SWITCH_OFF);
    } else if (FORGETFUL.contains(layer.getClass())) {
      add(
          "DL4J forgets the mask of its "
              + dropout.getClass().getSimpleName()
              + " in the backward pass, so that its gradient is not that of its score",
          "put a DropoutLayer before it instead");
    } else {
      dropouts.add(dropout);
      converter.check(dropout, this);
    }
  }

  /**
   * Adds what stands in the way of a vertex: the step's own, or one that it contains.
   *
   * @param vertex the vertex' configuration
   * @param <V> its class
   */
  public <V extends GraphVertex> void vertex(V vertex) {
    VertexConverter<V> converter = tables.of(vertex);
    if (converter == null) {
      add("there is no converter for a " + vertex.getClass().getSimpleName(), LEAVE_OUT);
    } else {
      converter.check(vertex, this);
    }
  }

  /**
   * Adds what stands in the way of a preprocessor.
   *
   * @param preprocessor the preprocessor
   */
  public void preprocessor(InputPreProcessor preprocessor) {
    if (preprocessor instanceof ComposableInputPreProcessor composed) {
      Arrays.stream(composed.getInputPreProcessors()).forEach(this::preprocessor);
    }
    addIf(
        tables.of(preprocessor) == null,
        "there is no converter for the preprocessor " + preprocessor.getClass().getSimpleName(),
        "use one of those listed in docs/guide-dl4j.md");
  }

  /**
   * Adds what stands in the way of an activation function.
   *
   * @param function the function
   * @param <A> its class
   */
  public <A extends IActivation> void activation(A function) {
    ActivationConverter<A> converter = tables.of(function);
    if (converter == null) {
      add(
          "there is no converter for the activation function "
              + function.getClass().getSimpleName(),
          "use one of those listed in docs/guide-dl4j.md");
    } else {
      converter.check(function, this);
    }
  }

  /**
   * Adds what stands in the way of a loss function.
   *
   * @param loss the loss function
   * @param activation the output layer's activation function
   * @param <F> its class
   */
  public <F extends ILossFunction> void loss(F loss, IActivation activation) {
    LossConverter<F> converter = tables.of(loss);
    if (converter == null) {
      add(
          "there is no converter for the loss function " + loss.getClass().getSimpleName(),
          "use one of those listed in docs/guide-dl4j.md");
    } else {
      converter.check(loss, activation, this);
    }
  }

  /** What changes the inputs of the layer and of those inside at random, and can be had. */
  List<IDropout> dropouts() {
    return List.copyOf(dropouts);
  }

  List<Obstacle> found() {
    return List.copyOf(found);
  }
}
