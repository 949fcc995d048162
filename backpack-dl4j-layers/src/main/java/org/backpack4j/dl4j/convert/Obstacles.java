package org.backpack4j.dl4j.convert;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.deeplearning4j.nn.conf.InputPreProcessor;
import org.deeplearning4j.nn.conf.dropout.Dropout;
import org.deeplearning4j.nn.conf.dropout.IDropout;
import org.deeplearning4j.nn.conf.graph.GraphVertex;
import org.deeplearning4j.nn.conf.layers.BaseLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.preprocessor.ComposableInputPreProcessor;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.lossfunctions.ILossFunction;

/** What stands in the way of one layer or vertex, by its configuration alone. */
public final class Obstacles {
  private static final String LEAVE_OUT =
      "write it as a SameDiff layer, or use one of those listed in docs/guide-dl4j.md";

  private final Tables tables;
  private final String where;
  private final List<Obstacle> found = new ArrayList<>();

  Obstacles(Tables tables, String where) {
    this.tables = tables;
    this.where = where;
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
    dropout(layer.getIDropout());
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

  private void dropout(IDropout dropout) {
    boolean keeps = dropout instanceof Dropout d && d.getP() == 1 && d.getPSchedule() == null;
    addIf(
        dropout != null && !keeps,
        "its input passes a "
            + (dropout == null ? "" : dropout.getClass().getSimpleName())
            + ", whose random numbers DL4J does not hand out",
        "switch it off while quantities are asked for: dropOut(1.0) in the configuration, or"
            + " conf.getLayer().setIDropout(null)");
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

  List<Obstacle> found() {
    return List.copyOf(found);
  }
}
