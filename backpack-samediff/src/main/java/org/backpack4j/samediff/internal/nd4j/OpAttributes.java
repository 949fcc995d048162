package org.backpack4j.samediff.internal.nd4j;

import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;

/** What an op computes from its inputs, as text: two ops of the same attributes do the same. */
public final class OpAttributes {
  /** Fields that say where an op belongs, and not what it computes. */
  private static final Set<String> PLACE =
      Set.of(
          "sameDiff",
          "ownName",
          "ownNameSetWithDefault",
          "x",
          "y",
          "z",
          "xVertexId",
          "yVertexId",
          "zVertexId",
          "inputArguments",
          "outputArguments",
          "outputShapes",
          "outputVariables");

  /** A condition and its mode are also among the extra arguments, as numbers. */
  private static final Set<String> TWICE = Set.of("extraArgz", "condition", "mode");

  private OpAttributes() {}

  /**
   * An op's name and arguments.
   *
   * @param op the op
   * @return the attributes, each as {@code name=value}
   */
  public static List<String> of(DifferentialFunction op) {
    List<String> attributes = new ArrayList<>();
    attributes.add("op=" + op.opName());
    if (op instanceof DynamicCustomOp customOp) {
      synchronized (customOp) { // several ops make up their arguments when first asked for them
        attributes.add("i=" + Arrays.toString(customOp.iArgs()));
        attributes.add("t=" + Arrays.toString(customOp.tArgs()));
        attributes.add("b=" + Arrays.toString(customOp.bArgs()));
        attributes.add("d=" + Arrays.toString(customOp.dArgs()));
        attributes.add("s=" + Arrays.toString(customOp.sArgs()));
      }
    } else {
      attributes.addAll(
          fields(op, name -> PLACE.contains(name) || TWICE.contains(name), name -> name));
    }
    return attributes;
  }

  /**
   * All fields of an op object but those that say where it belongs.
   *
   * @param names what is written for a variable of some name
   * @return the fields, each as {@code name=value}
   */
  static List<String> fields(DifferentialFunction op, UnaryOperator<String> names) {
    return fields(op, PLACE::contains, names);
  }

  private static List<String> fields(
      DifferentialFunction op, Predicate<String> left, UnaryOperator<String> names) {
    List<String> fields = new ArrayList<>();
    try {
      for (Field field : OpFields.of(op.getClass())) {
        Object value = field.get(op);
        // Nothing is lost of what was not there; M2.1 fills some empty fields when it reads.
        if (value != null && !left.test(field.getName())) {
          fields.add(field.getName() + "=" + text(value, names));
        }
      }
    } catch (IllegalAccessException e) {
      throw new AssertionError("The fields were made accessible", e);
    }
    return fields;
  }

  private static String text(Object value, UnaryOperator<String> names) {
    if (value instanceof int[] array) {
      return Arrays.toString(array);
    }
    if (value instanceof long[] array) {
      return Arrays.toString(array);
    }
    if (value instanceof Object[] array) {
      return Arrays.stream(array).map(OpAttributes::element).toList().toString();
    }
    if (value instanceof SDVariable variable) {
      return names.apply(variable.name());
    }
    if (value instanceof INDArray array) {
      return array.dataType() + array.toStringFull();
    }
    return String.valueOf(value);
  }

  /** M2.1 reads all numbers of such an array as {@code double}. */
  private static String element(Object value) {
    return value instanceof Number number
        ? Double.toString(number.doubleValue())
        : String.valueOf(value);
  }
}
