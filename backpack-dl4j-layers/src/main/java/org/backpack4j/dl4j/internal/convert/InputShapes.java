package org.backpack4j.dl4j.internal.convert;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.inputs.InputType.InputTypeConvolutionalFlat;
import org.deeplearning4j.nn.conf.layers.AutoEncoder;
import org.deeplearning4j.nn.conf.layers.CenterLossOutputLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.EmbeddingLayer;
import org.deeplearning4j.nn.conf.layers.FeedForwardLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.misc.ElementWiseMultiplicationLayer;
import org.deeplearning4j.nn.conf.layers.variational.VariationalAutoencoder;
import org.deeplearning4j.nn.conf.preprocessor.CnnToFeedForwardPreProcessor;
import org.deeplearning4j.nn.conf.preprocessor.FeedForwardToCnn3DPreProcessor;
import org.deeplearning4j.nn.conf.preprocessor.FeedForwardToCnnPreProcessor;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * What a configuration tells about the shapes of inputs. DL4J keeps no input types, so that it is
 * known only where a layer on rows, or a preprocessor with fixed extents, reads the input: not the
 * extents of images that a convolution reads, which those behind it fit more than once, nor the
 * length of time series, which may be any.
 */
public final class InputShapes {
  private InputShapes() {}

  /**
   * The shapes of one sample of each input.
   *
   * @param model the network
   * @return the shapes
   * @throws IllegalArgumentException if the configuration does not tell one
   */
  public static List<long[]> of(Model model) {
    Network network = Network.of(model);
    List<long[]> shapes = new ArrayList<>();
    for (String input : network.inputs()) {
      long[] shape = of(network, input);
      if (shape == null) {
        throw new IllegalArgumentException(
            "The configuration does not tell the shape of input \""
                + input
                + "\": name it by Dl4jConverter.on(net).inputShapes(…), without the samples'"
                + " axis.");
      }
      shapes.add(shape);
    }
    return shapes;
  }

  /**
   * The shape of one sample of an input.
   *
   * @param type the input's type
   * @return the shape, in the type's own order of axes
   * @throws IllegalArgumentException if it is a time series whose length is not known
   */
  public static long[] of(InputType type) {
    if (type instanceof InputTypeConvolutionalFlat rows) {
      return new long[] {rows.getFlattenedSize()};
    }
    long[] shape = type.getShape(true); // without the batch's axis it forgets formats
    long[] sample = Arrays.copyOfRange(shape, 1, shape.length);
    if (Arrays.stream(sample).anyMatch(extent -> extent < 1)) {
      throw new IllegalArgumentException(
          type + " tells no length: use InputType.recurrent(size, length).");
    }
    return sample;
  }

  /**
   * Whether the configuration tells all shapes.
   *
   * @param model the network
   * @return whether {@link #of(Model)} answers
   */
  public static boolean known(Model model) {
    Network network = Network.of(model);
    return network.inputs().stream().allMatch(i -> of(network, i) != null);
  }

  /**
   * Refuses features of another shape than the configuration tells.
   *
   * @param model the network
   * @param features for each input an array
   * @throws IllegalArgumentException if one does not fit; it names the input
   */
  public static void check(Model model, INDArray[] features) {
    Network network = Network.of(model);
    for (int k = 0; k < features.length; k++) {
      String input = network.inputs().get(k);
      long[] shape = of(network, input);
      long length = shape == null ? 0 : Arrays.stream(shape).reduce(1, (a, b) -> a * b);
      if (shape != null && features[k].length() != features[k].size(0) * length) {
        throw new IllegalArgumentException(
            "The features of input \"%s\" have the shape %s; expected %s."
                .formatted(
                    input,
                    Arrays.toString(features[k].shape()),
                    Arrays.toString(shape).replace("[", "[N, ")));
      }
    }
  }

  private static long @Nullable [] of(Network network, String input) {
    return network.steps().stream()
        .filter(s -> s.inputs().contains(input))
        .map(InputShapes::of)
        .filter(s -> s != null)
        .findFirst()
        .orElse(null);
  }

  private static long @Nullable [] of(NetworkNode step) {
    if (step.preprocessor() instanceof FeedForwardToCnnPreProcessor p) {
      return new long[] {p.getNumChannels() * p.getInputHeight() * p.getInputWidth()};
    }
    if (step.preprocessor() instanceof FeedForwardToCnn3DPreProcessor p) {
      long area = (long) p.getInputHeight() * p.getInputWidth();
      return new long[] {(long) p.getNumChannels() * p.getInputDepth() * area};
    }
    if (step.preprocessor() instanceof CnnToFeedForwardPreProcessor p) {
      long[] image = {p.getNumChannels(), p.getInputHeight(), p.getInputWidth()};
      return p.getFormat() == CNN2DFormat.NHWC ? new long[] {image[1], image[2], image[0]} : image;
    }
    if (step.preprocessor() != null) {
      return null;
    }
    if (step.layer() instanceof EmbeddingLayer) {
      return new long[] {1};
    }
    return step.layer() instanceof FeedForwardLayer layer && readsRows(layer)
        ? new long[] {layer.getNIn()}
        : null;
  }

  private static boolean readsRows(FeedForwardLayer layer) {
    return layer instanceof DenseLayer
        || layer instanceof OutputLayer
        || layer instanceof CenterLossOutputLayer
        || layer instanceof AutoEncoder
        || layer instanceof VariationalAutoencoder
        || layer instanceof ElementWiseMultiplicationLayer;
  }

  /**
   * Whether a network has layers of a kind.
   *
   * @param model the network
   * @param kind the class of their configuration
   * @return whether there is one
   */
  public static boolean has(Model model, Class<? extends Layer> kind) {
    return Network.of(model).steps().stream().anyMatch(s -> kind.isInstance(s.layer()));
  }

  /**
   * The layers of a kind that a network has.
   *
   * @param model the network
   * @param kind the class of their configuration
   * @return their names, in order; in a MultiLayerNetwork their numbers
   */
  public static List<String> names(Model model, Class<? extends Layer> kind) {
    return Network.of(model).steps().stream()
        .filter(s -> kind.isInstance(s.layer()))
        .map(NetworkNode::name)
        .toList();
  }

  /**
   * A network's inputs.
   *
   * @param model the network
   * @return their names
   */
  public static List<String> inputs(Model model) {
    return Network.of(model).inputs();
  }

  /**
   * The number of a network's outputs.
   *
   * @param model the network
   * @return how many labels it is trained with
   */
  public static int outputs(Model model) {
    return Network.of(model).outputs().size();
  }
}
