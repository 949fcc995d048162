package org.backpack4j.samediff.internal.execution.plan;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** What a plan knows of one variable of the graph. */
public final class Value {
  public final String name;
  public final DataType type;

  /** Null where the shape depends on numbers and is found out at run time. */
  final long @Nullable [] shape;

  /** The value itself where it depends on nothing but shapes and constants. */
  public @Nullable INDArray known;

  /** Where it begins in the value that it is a view of, in elements. */
  long viewOffset;

  private Value(String name, DataType type, long @Nullable [] shape) {
    this.name = name;
    this.type = type;
    this.shape = shape;
  }

  static Value of(String name, DataType type, long[] shape) {
    return new Value(name, type, shape);
  }

  /** A variable of which nothing is known before it has been computed. */
  static Value unknown(String name, DataType type) {
    return new Value(name, type, null);
  }

  public boolean isStatic() {
    return shape != null;
  }

  public long[] shape() {
    if (shape == null) {
      throw new IllegalStateException("The shape of " + name + " is not known beforehand.");
    }
    return shape;
  }

  public long length() {
    long length = 1;
    for (long extent : shape()) {
      length *= extent;
    }
    return length;
  }

  public long bytes() {
    return length() * type.width();
  }

  public boolean isEmpty() {
    return shape != null && length() == 0;
  }

  @Override
  public String toString() {
    return name + " " + type + (shape == null ? "[?]" : Arrays.toString(shape));
  }
}
