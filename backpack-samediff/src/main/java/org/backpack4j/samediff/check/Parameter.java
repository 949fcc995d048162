package org.backpack4j.samediff.check;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.LongStream;
import org.backpack4j.samediff.internal.interpret.ReferenceInterpreter;
import org.backpack4j.samediff.internal.ir.Precision;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.VariableType;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A parameter, as entries in 'c' order. */
final class Parameter {
  private final String name;
  private final long[] shape;
  private final boolean half;

  /**
   * A parameter.
   *
   * @param name its name in the graph
   * @param shape its shape
   */
  Parameter(String name, long... shape) {
    this(name, false, shape);
  }

  private Parameter(String name, boolean half, long... shape) {
    this.name = name;
    this.half = half;
    this.shape = shape.clone();
  }

  /** Whether it is of half precision in the person's graph. */
  boolean half() {
    return half;
  }

  /** Its name in the graph. */
  String name() {
    return name;
  }

  /** Its shape. */
  long[] shape() {
    return shape.clone();
  }

  /**
   * All floating-point parameters of a graph whose arrays are set: in the order in which ops on the
   * way to the losses use them, then what these do not use.
   *
   * @param graph the graph, or a copy in double precision
   * @param own the person's graph
   */
  static List<Parameter> all(SameDiff graph, Collection<String> losses, SameDiff own) {
    Set<String> names = new LinkedHashSet<>();
    for (SameDiffOp op : ReferenceInterpreter.order(graph, losses)) {
      names.addAll(Dependencies.inputs(op));
    }
    graph.variables().forEach(variable -> names.add(variable.name()));
    List<Parameter> parameters = new ArrayList<>();
    for (String name : names) {
      SDVariable variable = Objects.requireNonNull(graph.getVariable(name));
      if (variable.getVariableType() == VariableType.VARIABLE && variable.dataType().isFPType()) {
        INDArray array = Objects.requireNonNull(graph.getArrForVarName(name));
        DataType type = own.getVariable(name).dataType();
        parameters.add(new Parameter(name, Precision.working(type) != type, array.shape()));
      }
    }
    return parameters;
  }

  /** The number of entries. */
  long length() {
    return Arrays.stream(shape).reduce(1, Math::multiplyExact);
  }

  /** The shape with one more axis of the given extent in front. */
  long[] shape(long first) {
    return LongStream.concat(LongStream.of(first), Arrays.stream(shape)).toArray();
  }

  /** The index of an entry in each axis, as in {@code [2, 0]}. */
  String position(long index) {
    long[] position = new long[shape.length];
    long rest = index;
    for (int axis = shape.length - 1; axis >= 0; axis--) {
      position[axis] = rest % shape[axis];
      rest /= shape[axis];
    }
    return Arrays.toString(position);
  }

  /** An entry for messages, as in {@code W[2, 0]}. */
  String describe(long index) {
    return name + position(index);
  }
}
