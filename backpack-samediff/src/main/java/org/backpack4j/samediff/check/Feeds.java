package org.backpack4j.samediff.check;

import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import org.backpack4j.samediff.internal.interpret.ReferenceInterpreter;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A person's feeds, checked, and copied in double precision. */
final class Feeds {
  private Feeds() {}

  /**
   * Copies of the feeds in 'c' order; floating-point placeholders are fed in double precision.
   *
   * @param losses what the feeds have to be enough for
   * @throws IllegalArgumentException if a name is not that of a placeholder, a shape is not the
   *     placeholder's, or a placeholder is needed and not fed
   */
  static Map<String, INDArray> checked(
      SameDiff graph, Map<String, INDArray> feeds, Collection<String> losses) {
    for (SameDiffOp op : ReferenceInterpreter.order(graph, losses)) {
      for (String name : Dependencies.inputs(op)) {
        SDVariable variable = graph.getVariable(name);
        if (variable != null && variable.isPlaceHolder() && !feeds.containsKey(name)) {
          throw new IllegalArgumentException(
              "The placeholder \"" + name + "\" is needed for " + losses + " and not fed.");
        }
      }
    }
    Map<String, INDArray> copies = new LinkedHashMap<>();
    feeds.forEach(
        (name, array) -> {
          SDVariable placeHolder = graph.getVariable(name);
          if (placeHolder == null || !placeHolder.isPlaceHolder()) {
            throw new IllegalArgumentException(
                "\""
                    + name
                    + "\" is fed, but the graph's placeholders are "
                    + graph.inputs()
                    + ": feed these.");
          }
          if (array.isEmpty()) {
            throw new IllegalArgumentException(
                "The array fed to \"" + name + "\" is empty: feed at least one sample.");
          }
          checkShape(placeHolder, array);
          DataType type = placeHolder.dataType();
          copies.put(name, array.castTo(type.isFPType() ? DataType.DOUBLE : type).dup('c'));
        });
    return copies;
  }

  /** The shape that a placeholder was declared with, −1 standing for any extent; null for any. */
  static long @Nullable [] declaredShape(SDVariable placeHolder) {
    long[] shape = placeHolder.placeholderShape();
    return shape == null || shape.length == 0 ? null : shape;
  }

  private static void checkShape(SDVariable placeHolder, INDArray array) {
    long[] declared = declaredShape(placeHolder);
    if (declared == null) {
      return;
    }
    boolean fits = declared.length == array.rank();
    for (int axis = 0; fits && axis < declared.length; axis++) {
      fits = declared[axis] < 0 || declared[axis] == array.size(axis);
    }
    if (!fits) {
      throw new IllegalArgumentException(
          "The placeholder \""
              + placeHolder.name()
              + "\" has shape "
              + Arrays.toString(declared)
              + ", but the array that is fed has shape "
              + Arrays.toString(array.shape())
              + ".");
    }
  }
}
