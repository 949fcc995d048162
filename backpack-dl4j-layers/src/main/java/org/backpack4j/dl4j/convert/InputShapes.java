package org.backpack4j.dl4j.convert;

import java.util.ArrayList;
import java.util.List;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.preprocessor.FeedForwardToCnnPreProcessor;
import org.jspecify.annotations.Nullable;

/**
 * What a configuration tells about the shapes of inputs. DL4J keeps no input types, so that it is
 * known only where a dense layer, or a preprocessor with fixed extents, reads the input.
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
   * Whether the configuration tells all shapes.
   *
   * @param model the network
   * @return whether {@link #of(Model)} answers
   */
  public static boolean known(Model model) {
    Network network = Network.of(model);
    return network.inputs().stream().allMatch(i -> of(network, i) != null);
  }

  private static long @Nullable [] of(Network network, String input) {
    return network.steps().stream()
        .filter(s -> s.inputs().contains(input))
        .map(InputShapes::of)
        .filter(s -> s != null)
        .findFirst()
        .orElse(null);
  }

  private static long @Nullable [] of(Step step) {
    if (step.preprocessor() instanceof FeedForwardToCnnPreProcessor p) {
      return new long[] {p.getNumChannels() * p.getInputHeight() * p.getInputWidth()};
    }
    if (step.preprocessor() != null) {
      return null;
    }
    if (step.layer() instanceof DenseLayer dense) {
      return new long[] {dense.getNIn()};
    }
    return step.layer() instanceof OutputLayer output ? new long[] {output.getNIn()} : null;
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
   * Whether a network is trained by truncated backpropagation through time.
   *
   * @param model the network
   * @return whether its sequences are cut into parts
   */
  public static boolean truncated(Model model) {
    return Network.of(model).truncated();
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
