package org.backpack4j.samediff.internal.shape;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.internal.ir.GraphProblem;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;

/**
 * Opens the sample axes that a person named: a placeholder declared for a fixed number of samples
 * takes any number in the copy. Where the graph itself insists on its number, the dry run tells.
 */
public final class SampleAxes {
  private SampleAxes() {}

  /**
   * Sets the named extents of a copy's placeholders to −1.
   *
   * @param copy the copy
   * @param axes for each placeholder its sample axis
   * @throws IllegalArgumentException if there is no placeholder of a name, or it has no such axis
   */
  public static void open(SameDiff copy, Map<String, Integer> axes) {
    axes.forEach(
        (name, axis) -> {
          SDVariable placeholder = copy.getVariable(name);
          String call = "sampleAxis(\"" + name + "\", " + axis + "): ";
          if (placeholder == null || !placeholder.isPlaceHolder()) {
            throw new IllegalArgumentException(call + "the graph has no placeholder of that name.");
          }
          long[] shape = placeholder.placeholderShape();
          if (shape == null || axis < 0 || axis >= shape.length) {
            throw new IllegalArgumentException(
                call
                    + (shape == null
                        ? "the placeholder has no shape; declare it with one."
                        : "the placeholder has " + shape.length + " axes."));
          }
          long[] open = shape.clone();
          open[axis] = -1;
          placeholder.setShape(open);
        });
  }

  /**
   * Where placeholders have their samples.
   *
   * @param placeholders the placeholders, none with another open axis
   * @param given the axes named by the person, by placeholder
   * @return for each that has samples its axis: the one that was named, or that is −1
   */
  static Map<String, Integer> of(Collection<SDVariable> placeholders, Map<String, Integer> given) {
    Map<String, Integer> axes = new LinkedHashMap<>();
    for (SDVariable placeholder : placeholders) {
      Integer axis = given.get(placeholder.name());
      long[] shape = placeholder.placeholderShape();
      for (int k = 0; axis == null && k < shape.length; k++) {
        axis = shape[k] < 0 ? k : null;
      }
      if (axis != null) {
        axes.put(placeholder.name(), axis);
      }
    }
    return axes;
  }

  /**
   * What the placeholders' shapes leave open that is not the number of samples.
   *
   * @param placeholders the placeholders
   * @param given the axes named by the person, by placeholder
   * @return one for each placeholder without a shape, or with an open axis beside its samples'
   */
  public static List<GraphProblem> hindrances(
      Collection<SDVariable> placeholders, Map<String, Integer> given) {
    List<GraphProblem> found = new ArrayList<>();
    for (SDVariable placeholder : placeholders) {
      GraphProblem open = hindrance(placeholder, given.get(placeholder.name()));
      if (open != null) {
        found.add(open);
      }
    }
    return found;
  }

  private static @Nullable GraphProblem hindrance(SDVariable placeholder, @Nullable Integer given) {
    String name = placeholder.name();
    String where = "the placeholder \"" + name + "\"";
    long[] shape = placeholder.placeholderShape();
    if (shape == null) {
      return new GraphProblem(
          where,
          "it has no shape",
          "declare it with one, −1 for the number of samples, as in sd.placeHolder(\""
              + name
              + "\", type, -1, 784)");
    }
    int samples = given != null ? given : 0;
    for (int k = 0; k < shape.length; k++) {
      if (shape[k] < 0 && k != samples) {
        return new GraphProblem(
            where,
            "it has the shape " + Arrays.toString(shape) + ": axis " + k + " is not fixed",
            "give every axis but the samples' its extent, shorter samples being padded and masked"
                + (given != null
                    ? ""
                    : "; if the samples are not on axis 0, name their axis by sampleAxis(\""
                        + name
                        + "\", axis)"));
      }
    }
    return null;
  }
}
