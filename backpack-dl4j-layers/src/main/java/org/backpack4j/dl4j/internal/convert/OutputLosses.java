package org.backpack4j.dl4j.internal.convert;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;

/** The losses of a network's outputs, and what labels are fed to. */
final class OutputLosses {
  private final List<String> outputs;
  private final BatchShape shape;
  private final Entrances entrances;
  private final Map<String, String> labels = new LinkedHashMap<>();
  private final Map<String, String> masks = new LinkedHashMap<>();
  private final Map<String, List<String>> losses = new LinkedHashMap<>();
  private final Set<String> predictions = new LinkedHashSet<>();
  private boolean writtenOut;

  /**
   * None yet.
   *
   * @param outputs the names of the outputs
   * @param shape the shapes of labels and their masks
   */
  OutputLosses(List<String> outputs, BatchShape shape, Entrances entrances) {
    this.outputs = outputs;
    this.shape = shape;
    this.entrances = entrances;
  }

  SDVariable labels(NetworkNode step, long... dims) {
    String name = step.name() + ".labels";
    labels.put(step.name(), name);
    return entrances.of(name, dims);
  }

  long @Nullable [] labelShape(NetworkNode step) {
    List<Long> dims = shape.labels().get(outputs.indexOf(step.name()));
    return dims.isEmpty() ? null : BatchShape.array(dims);
  }

  @Nullable LayerOutput labelMask(NetworkNode step) {
    List<Long> dims = shape.labelMasks().get(outputs.indexOf(step.name()));
    if (dims.isEmpty()) {
      return null;
    }
    String name = step.name() + ".labels.mask";
    masks.put(step.name(), name);
    return entrances.of(name, dims);
  }

  void add(NetworkNode step, SDVariable loss) {
    losses.computeIfAbsent(step.name(), n -> new ArrayList<>()).add(loss.name());
  }

  /**
   * Adds a loss.
   *
   * @param prediction where second-order quantities start
   * @param own whether the loss is written out of simple ops
   */
  void add(NetworkNode step, SDVariable loss, SDVariable prediction, boolean own) {
    add(step, loss);
    predictions.add(prediction.name());
    writtenOut |= own;
  }

  /** How many losses a step has so far. */
  int count(NetworkNode step) {
    return losses.getOrDefault(step.name(), List.of()).size();
  }

  /** The outputs without a loss. */
  List<String> missing() {
    return outputs.stream().filter(output -> !losses.containsKey(output)).toList();
  }

  /** For each output its loss variables. */
  Map<String, List<String>> byOutput() {
    return losses;
  }

  List<String> variables() {
    return losses.values().stream().flatMap(List::stream).toList();
  }

  /** Where second-order quantities start; none if all losses know it themselves. */
  List<String> predictions() {
    return writtenOut ? List.copyOf(predictions) : List.of();
  }

  /** The placeholders of the labels, one for each output. */
  List<String> labels() {
    return outputs.stream().map(o -> Objects.requireNonNull(labels.get(o))).toList();
  }

  /** The placeholders of the labels' masks, for each output one or null. */
  List<@Nullable String> masks() {
    List<@Nullable String> names = new ArrayList<>();
    outputs.forEach(o -> names.add(masks.get(o)));
    return names;
  }
}
