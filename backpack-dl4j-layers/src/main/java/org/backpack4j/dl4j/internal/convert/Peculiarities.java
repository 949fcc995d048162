package org.backpack4j.dl4j.internal.convert;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.graph.FrozenVertex;
import org.deeplearning4j.nn.conf.graph.GraphVertex;
import org.deeplearning4j.nn.conf.layers.BaseLayer;
import org.deeplearning4j.nn.conf.layers.BaseOutputLayer;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.CenterLossOutputLayer;
import org.deeplearning4j.nn.conf.layers.Cnn3DLossLayer;
import org.deeplearning4j.nn.conf.layers.CnnLossLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.deeplearning4j.nn.conf.layers.RnnLossLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayerWithBackprop;
import org.deeplearning4j.nn.conf.layers.samediff.AbstractSameDiffLayer;
import org.deeplearning4j.nn.conf.layers.samediff.SameDiffVertex;
import org.deeplearning4j.nn.conf.layers.wrapper.BaseWrapperLayer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.activations.impl.ActivationRReLU;
import org.nd4j.linalg.lossfunctions.ILossFunction;

/**
 * Layers and vertices of which it is known that Deeplearning4j's backward pass is not the
 * derivative of its forward pass. What passes through one of them is wrong below it as well.
 */
public final class Peculiarities {
  private record Peculiarity(Predicate<NetworkNode> holds, String text) {}

  private static final List<Peculiarity> ALWAYS =
      List.of(
          new Peculiarity(
              s -> isA(s, AbstractSameDiffLayer.class) || runsThroughSameDiff(s.vertex()),
              "DL4J 1.0.0-M2.1 answers twice the gradient for SameDiff layers and vertices,"
                  + " attention and locally connected layers among them, and for all layers"
                  + " below."),
          new Peculiarity(
              s -> inside(s.layer()) instanceof BaseLayer l && isRandom(l),
              "DL4J 1.0.0-M2.1 takes 1 for the derivative of RReLU everywhere."),
          new Peculiarity(
              s ->
                  s.layer() instanceof FrozenLayerWithBackprop f
                      && f.getUnderlying() instanceof BatchNormalization,
              "Batch normalisation in a FrozenLayerWithBackprop has the running statistics in DL4J"
                  + " 1.0.0-M2.1's forward pass, and the batch's in its backward pass."),
          new Peculiarity(
              s -> inside(s.layer()) instanceof CenterLossOutputLayer c && c.getIDropout() != null,
              "The backward pass of DL4J 1.0.0-M2.1's CenterLossOutputLayer forgets what its"
                  + " dropout has done to its input, for all layers below."),
          new Peculiarity(
              s -> inside(s.layer()) instanceof BatchNormalization b && ignoresGamma(b),
              "Batch normalisation with a locked gamma has it in DL4J 1.0.0-M2.1's backward pass,"
                  + " and without a beta not in its forward pass."));

  private static final Peculiarity TRUNCATED =
      new Peculiarity(
          s -> s.running() instanceof org.deeplearning4j.nn.api.layers.RecurrentLayer,
          "With truncated backpropagation through time DL4J 1.0.0-M2.1 takes the gradient of"
              + " recurrent layers as if each part of a sequence began with zeros, and their values"
              + " not.");

  private Peculiarities() {}

  private static boolean isRandom(BaseLayer layer) {
    return layer.getActivationFn() instanceof ActivationRReLU;
  }

  private static boolean ignoresGamma(BatchNormalization layer) {
    return layer.isLockGammaBeta() && layer.getGamma() != 1 && layer.getBeta() == 0;
  }

  private static boolean isA(NetworkNode step, Class<? extends Layer> kind) {
    return kind.isInstance(step.layer()) || kind.isInstance(inside(step.layer()));
  }

  private static boolean runsThroughSameDiff(@Nullable GraphVertex vertex) {
    return vertex instanceof FrozenVertex frozen
        ? runsThroughSameDiff(frozen.getUnderlying())
        : vertex instanceof SameDiffVertex;
  }

  private static @Nullable Layer inside(@Nullable Layer layer) {
    return layer instanceof FrozenLayer frozen
        ? inside(frozen.getLayer())
        : layer instanceof BaseWrapperLayer wrapper ? inside(wrapper.getUnderlying()) : layer;
  }

  /**
   * What is known of the layers that a parameter's gradient comes through.
   *
   * @param model the network
   * @param parameter its parameter
   * @param carried whether recurrent layers have begun with what an earlier part has left
   * @return what a person is told; none if nothing is known
   */
  public static List<String> of(Model model, String parameter, boolean carried) {
    Network network = Network.of(model);
    List<NetworkNode> above = above(network, parameter);
    List<Peculiarity> all = new ArrayList<>(ALWAYS);
    if (carried) {
      all.add(TRUNCATED);
    }
    return all.stream()
        .filter(p -> above.stream().anyMatch(p.holds()))
        .map(Peculiarity::text)
        .toList();
  }

  /** The step that has the parameter, and all that depend on it. */
  private static List<NetworkNode> above(Network network, String parameter) {
    List<NetworkNode> steps = new ArrayList<>(); // a layer's hash is that of its arrays
    Set<String> names = new HashSet<>();
    for (NetworkNode step : network.steps()) {
      boolean own = parameter.startsWith(step.name() + "_") && has(step, parameter);
      if (own || step.inputs().stream().anyMatch(names::contains)) {
        steps.add(step);
        names.add(step.name());
      }
    }
    return steps;
  }

  private static boolean has(NetworkNode step, String parameter) {
    return step.parameters().get().containsKey(parameter.substring(step.name().length() + 1));
  }

  /**
   * The outputs that a parameter's gradient comes from.
   *
   * @param model the network
   * @param parameter its parameter
   * @return their numbers
   */
  public static List<Integer> outputs(Model model, String parameter) {
    Network network = Network.of(model);
    List<NetworkNode> above = above(network, parameter);
    List<Integer> outputs = new ArrayList<>();
    for (int k = 0; k < network.outputs().size(); k++) {
      String name = network.outputs().get(k);
      if (above.stream().anyMatch(s -> s.name().equals(name))) {
        outputs.add(k);
      }
    }
    return outputs;
  }

  /**
   * The names of the outputs.
   *
   * @param model the network
   * @return the names, in DL4J's order
   */
  public static List<String> outputs(Model model) {
    return Network.of(model).outputs();
  }

  /**
   * The configuration of an output.
   *
   * @param model the network
   * @param output its number
   * @return the layer, inside all wrappers; null if it is a vertex
   */
  public static @Nullable Layer output(Model model, int output) {
    Network network = Network.of(model);
    String name = network.outputs().get(output);
    return network.steps().stream()
        .filter(s -> s.name().equals(name))
        .map(s -> inside(s.layer()))
        .findFirst()
        .orElse(null);
  }

  /**
   * The loss of an output layer.
   *
   * @param layer the layer
   * @return its loss function; null if it has none of DL4J's
   */
  public static @Nullable ILossFunction loss(@Nullable Layer layer) {
    return layer instanceof BaseOutputLayer l
        ? l.getLossFn()
        : layer instanceof LossLayer l
            ? l.getLossFn()
            : layer instanceof RnnLossLayer l
                ? l.getLossFn()
                : layer instanceof CnnLossLayer l
                    ? l.getLossFn()
                    : layer instanceof Cnn3DLossLayer l ? l.getLossFn() : null;
  }
}
