package org.backpack4j.dl4j.internal.convert;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.backpack4j.dl4j.spi.DropoutConverter;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.dropout.IDropout;
import org.deeplearning4j.nn.conf.layers.BaseLayer;
import org.deeplearning4j.nn.conf.weightnoise.IWeightNoise;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The random numbers of an iteration, drawn by DL4J's own objects without its forward pass.
 *
 * <p>What a dropout draws depends on the shape of its input and on its layout in memory, which only
 * DL4J's own pass tells. So one such pass is watched ({@link Watch}); from then on each dropout is
 * applied to an array of ones of the same shape and layout, and each weight noise to its weights,
 * in the order of DL4J's pass: layer by layer, the dropout before the weights, output layers last.
 * {@link #different} holds what is drawn that way, and where it leaves ND4J's generator, against
 * the pass that was watched.
 */
public final class RepeatedDraws {
  /** What a dropout is applied to, with the number of rows that a sample has on the first axis. */
  private record Template(long rows, long[] shape, char order, DataType type) {
    static Template of(INDArray array, long samples) {
      return new Template(
          array.size(0) / samples, array.shape(), array.ordering(), array.dataType());
    }

    INDArray array(long samples, double value) {
      long[] full = shape.clone();
      full[0] = rows * samples;
      return Nd4j.create(type, full, order).assign(value);
    }
  }

  private final ConverterRegistry tables;
  private final Map<String, Template> templates;

  /** By steps' names, the keys of the parameters that are changed at random. */
  private final Map<String, List<String>> noisy;

  private RepeatedDraws(
      ConverterRegistry tables, Map<String, Template> templates, Map<String, List<String>> noisy) {
    this.tables = tables;
    this.templates = templates;
    this.noisy = noisy;
  }

  /** Watches a pass of DL4J's. */
  public static final class Watch {
    private final ConverterRegistry tables;
    private final GeneratorState before = GeneratorState.now();
    private final Map<String, Template> templates = new LinkedHashMap<>();
    private final Map<String, List<String>> noisy = new LinkedHashMap<>();

    /**
     * Begins: the pass is to be made next.
     *
     * @param tables who converts what
     */
    public Watch(ConverterRegistry tables) {
      this.tables = tables;
    }

    /**
     * Looks at a network that has made its forward pass, of all but its output layers, or its
     * backward pass.
     *
     * @param model the network
     * @param samples N
     * @param late whether it has made its backward pass
     */
    public void look(Model model, long samples, boolean late) {
      Network network = Network.of(model);
      PreflightCheck survey = PreflightCheck.of(network, tables, true);
      survey
          .draws()
          .forEach(
              (name, draw) -> {
                INDArray changed = draw.late() == late ? changed(network, name, draw) : null;
                if (changed != null) {
                  templates.put(name, Template.of(changed, samples));
                }
              });
      for (NetworkNode step : survey.noisy()) {
        if (step.output() == late) {
          List<String> keys = new ArrayList<>(step.parameters().get().keySet());
          keys.retainAll(step.noisyParameters().keySet());
          noisy.put(step.name(), keys);
        }
      }
    }

    /** An array of the shape and layout of what a dropout has changed; null if it is not known. */
    private @Nullable INDArray changed(Network network, String name, RandomDraw draw) {
      if (!(draw.owner() instanceof IDropout dropout)) {
        return null;
      }
      INDArray mask = Objects.requireNonNull(tables.of(dropout)).noise(dropout);
      if (mask == null && !draw.changed()) {
        return null; // it has drawn nothing, or does not tell what
      }
      Layer running = step(network, name).running();
      INDArray input = running == null ? null : RuntimeLayers.input(running);
      boolean byChannel = mask != null && mask.rank() == 2 && input != null && input.rank() > 2;
      return mask == null || byChannel ? input : mask;
    }

    /** Where ND4J's generator was before the pass. */
    public GeneratorState before() {
      return before;
    }

    /** How to draw as in the pass. */
    public RepeatedDraws draws() {
      return new RepeatedDraws(tables, templates, noisy);
    }
  }

  private static NetworkNode step(Network network, String draw) {
    return network.steps().stream()
        .filter(s -> draw.startsWith(s.name() + ".drawn."))
        .max((a, b) -> Integer.compare(a.name().length(), b.name().length()))
        .orElseThrow();
  }

  /**
   * Draws what the network's next pass would draw.
   *
   * @param model the network
   * @param samples N
   * @param iteration the iteration, for schedules
   * @param epoch the epoch
   * @param added is filled by what is drawn in the place of changed inputs of layers
   * @return what was drawn
   */
  public IterationState draw(
      Model model, long samples, int iteration, int epoch, Map<String, INDArray> added) {
    if (templates.isEmpty() && noisy.isEmpty()) {
      return new IterationState(Map.of(), Map.of(), Map.of(), GeneratorState.now());
    }
    Network network = Network.of(model);
    PreflightCheck survey = PreflightCheck.of(network, tables, true);
    Map<String, INDArray> noise = new LinkedHashMap<>();
    Map<String, INDArray> parameters = new LinkedHashMap<>();
    for (NetworkNode step : inOrder(network)) {
      survey
          .draws()
          .forEach(
              (name, draw) -> {
                Template template = templates.get(name);
                if (template != null
                    && step(network, name).name().equals(step.name())
                    && draw.owner() instanceof IDropout dropout) {
                  INDArray drawn = draw(dropout, template, samples, iteration, epoch);
                  noise.put(name, drawn);
                  if (draw.changed()) {
                    added.put(name, drawn);
                  }
                }
              });
      Layer running = step.running();
      for (String key : noisy.getOrDefault(step.name(), List.of())) {
        if (running != null) {
          parameters.put(step.parameter(key), noisy(running, key, iteration, epoch));
        }
      }
    }
    return new IterationState(noise, parameters, Map.of(), GeneratorState.now());
  }

  /** DL4J's order: forwards, and output layers in the backward pass, from the last to the first. */
  private static List<NetworkNode> inOrder(Network network) {
    List<NetworkNode> order = new ArrayList<>();
    List<NetworkNode> outputs = new ArrayList<>();
    network.steps().forEach(s -> (s.output() ? outputs : order).add(s));
    Collections.reverse(outputs);
    order.addAll(outputs);
    return order;
  }

  private <D extends IDropout> INDArray draw(
      D dropout, Template template, long samples, int iteration, int epoch) {
    DropoutConverter<D> converter = Objects.requireNonNull(tables.of(dropout));
    INDArray input = template.array(samples, converter.adds() ? 0 : 1);
    dropout.applyDropout(input, input, iteration, epoch, LayerWorkspaceMgr.noWorkspaces());
    INDArray drawn = converter.adds() ? input : Objects.requireNonNull(converter.noise(dropout));
    dropout.clear();
    return drawn;
  }

  private static INDArray noisy(Layer running, String key, int iteration, int epoch) {
    Layer inside = RuntimeLayers.inside(running);
    IWeightNoise noise = ((BaseLayer) inside.conf().getLayer()).getWeightNoise();
    return noise.getParameter(
        inside, key, iteration, epoch, true, LayerWorkspaceMgr.noWorkspaces());
  }

  /**
   * Draws once more what was drawn in the pass that was watched, and compares.
   *
   * @param model the network
   * @param samples N
   * @param iteration the iteration
   * @param epoch the epoch
   * @param watched what the pass has drawn
   * @param before where the generator was before it; now it is where it was behind it
   * @return what is not the same; empty if everything is
   */
  public Optional<String> different(
      Model model,
      long samples,
      int iteration,
      int epoch,
      IterationState watched,
      GeneratorState before) {
    GeneratorState after = GeneratorState.now();
    Map<String, INDArray> added = new LinkedHashMap<>();
    IterationState[] drawn = new IterationState[1];
    before.again(() -> drawn[0] = draw(model, samples, iteration, epoch, added));
    List<String> different = new ArrayList<>();
    Network network = Network.of(model);
    watched
        .noise()
        .forEach(
            (name, array) -> {
              INDArray again = drawn[0].noise().get(name);
              // of what the pass has changed, only the changed values are known
              if (again == null || (!added.containsKey(name) && !again.equalsWithEps(array, 0))) {
                different.add(step(network, name).where());
              }
            });
    watched
        .parameters()
        .forEach(
            (name, array) -> {
              INDArray again = drawn[0].parameters().get(name);
              if (again == null || !again.equalsWithEps(array, 0)) {
                different.add("parameter \"" + name + "\"");
              }
            });
    if (!different.isEmpty()) {
      return Optional.of(String.join(", ", different));
    }
    return drawn[0].generator().equals(after) ? Optional.empty() : Optional.of("the network");
  }
}
