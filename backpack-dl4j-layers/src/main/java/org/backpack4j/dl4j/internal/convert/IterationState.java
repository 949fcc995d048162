package org.backpack4j.dl4j.internal.convert;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.deeplearning4j.nn.api.Model;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * What a converted graph cannot compute because it belongs to one iteration alone. It is copied,
 * since DL4J's own is gone, or overwritten, when the backward pass has been made. The samples are
 * on axis 0, perhaps folded with the steps of time series.
 *
 * @param noise what DL4J drew, by the names of {@link PreflightCheck#draws}
 * @param parameters parameters as noise has changed them, by their names
 * @param activations what layers and vertices answered, by their names
 * @param generator ND4J's generator at the end of the forward pass, of all but the output layers
 */
public record IterationState(
    Map<String, INDArray> noise,
    Map<String, INDArray> parameters,
    Map<String, INDArray> activations,
    GeneratorState generator) {
  /** Nothing. */
  public static final IterationState NOTHING =
      new IterationState(Map.of(), Map.of(), Map.of(), new GeneratorState(0, 0));

  /**
   * The shapes of what is given, with the number of rows that each sample has in the samples'
   * place.
   *
   * @param noise of what DL4J drew
   * @param activations of what layers and vertices answered
   */
  public record Shapes(Map<String, List<Long>> noise, Map<String, List<Long>> activations) {
    /** None. */
    public static final Shapes NONE = new Shapes(Map.of(), Map.of());

    /**
     * The same without the activations that are not needed.
     *
     * @param steps the layers and vertices whose activations are
     * @return the shapes
     */
    public Shapes keeping(Set<String> steps) {
      Map<String, List<Long>> kept = new LinkedHashMap<>(activations);
      kept.keySet().retainAll(steps);
      return new Shapes(noise, kept);
    }
  }

  /**
   * Whether a network draws random numbers in an iteration.
   *
   * @param model the network
   * @param tables who converts what
   * @return whether something of it does
   */
  public static boolean areDrawn(Model model, ConverterRegistry tables) {
    PreflightCheck survey = PreflightCheck.of(Network.of(model), tables, true);
    return !survey.draws().isEmpty() || !survey.noisy().isEmpty();
  }

  /**
   * Copies what a network has at the end of its forward pass, of all but its output layers.
   *
   * @param model the network
   * @param tables who converts what
   * @param activations what layers and vertices answered
   * @param needed those whose activations are needed
   * @return the copies
   */
  public static IterationState afterForwardPass(
      Model model,
      ConverterRegistry tables,
      Map<String, INDArray> activations,
      Set<String> needed) {
    return of(
        PreflightCheck.of(Network.of(model), tables, true),
        false,
        activations,
        needed,
        GeneratorState.now());
  }

  /**
   * The same with copies of what the output layers have at the end of the backward pass.
   *
   * @param model the network
   * @param tables who converts what
   * @return all copies
   */
  public IterationState andAfterBackwardPass(Model model, ConverterRegistry tables) {
    IterationState late =
        of(PreflightCheck.of(Network.of(model), tables, true), true, Map.of(), Set.of(), generator);
    return new IterationState(
        both(noise, late.noise), both(parameters, late.parameters), activations, generator);
  }

  private static Map<String, INDArray> both(Map<String, INDArray> a, Map<String, INDArray> b) {
    Map<String, INDArray> all = new LinkedHashMap<>(a);
    all.putAll(b);
    return all;
  }

  private static IterationState of(
      PreflightCheck survey,
      boolean late,
      Map<String, INDArray> activations,
      Set<String> needed,
      GeneratorState generator) {
    Map<String, INDArray> noise = new LinkedHashMap<>();
    Map<String, INDArray> parameters = new LinkedHashMap<>();
    Map<String, INDArray> copies = new LinkedHashMap<>();
    try (MemoryWorkspace outside = Nd4j.getMemoryManager().scopeOutOfWorkspaces()) {
      survey
          .draws()
          .forEach(
              (name, draw) -> {
                INDArray drawn =
                    draw.late() == late ? draw.kept().in(activations, generator) : null;
                if (drawn != null) {
                  noise.put(name, drawn.dup('c'));
                }
              });
      for (NetworkNode step : survey.noisy()) {
        if (step.output() == late) {
          step.noisyParameters()
              .forEach((key, p) -> parameters.put(step.parameter(key), p.dup(p.ordering())));
        }
      }
      activations.forEach(
          (step, array) -> {
            if (needed.contains(step)) {
              copies.put(step, array.dup('c'));
            }
          });
    }
    return new IterationState(noise, parameters, copies, generator);
  }

  /**
   * The shapes.
   *
   * @param samples N
   * @return the shapes of all
   */
  public Shapes shapes(long samples) {
    return new Shapes(shapes(noise, samples), shapes(activations, samples));
  }

  private static Map<String, List<Long>> shapes(Map<String, INDArray> arrays, long samples) {
    Map<String, List<Long>> shapes = new LinkedHashMap<>();
    arrays.forEach(
        (name, array) -> {
          long[] shape = array.shape().clone();
          shape[0] /= Math.max(samples, 1);
          shapes.put(name, Arrays.stream(shape).boxed().toList());
        });
    return shapes;
  }

  /** The placeholder of a step's activations. */
  static String placeholder(String step) {
    return step + ".given";
  }

  /**
   * What belongs to a placeholder.
   *
   * @param placeholder its name
   * @return the array, as DL4J has it
   * @throws IllegalArgumentException if it isn't there
   */
  public INDArray array(String placeholder) {
    INDArray array = noise.get(placeholder);
    for (Map.Entry<String, INDArray> e : activations.entrySet()) {
      array = placeholder(e.getKey()).equals(placeholder) ? e.getValue() : array;
    }
    if (array == null) {
      throw new IllegalArgumentException("There is no array for \"" + placeholder + "\".");
    }
    return array;
  }

  /**
   * What a placeholder is fed: an array with the samples on axis 0.
   *
   * @param array the array, as DL4J has it
   * @param rows how many rows each sample has
   * @return the array; [N, rows, …] if there are several, of [rows·N, …]
   */
  public static INDArray feed(INDArray array, long rows) {
    if (rows == 1) {
      return array;
    }
    long[] shape = array.shape();
    long[] apart = new long[shape.length + 1];
    apart[0] = rows;
    apart[1] = shape[0] / rows;
    System.arraycopy(shape, 1, apart, 2, shape.length - 1);
    return array.reshape('c', apart).swapAxes(0, 1).dup('c');
  }
}
