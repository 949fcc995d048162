package org.backpack4j.samediff.graph;

import java.util.Map;
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
}
