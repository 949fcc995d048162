package org.backpack4j.samediff.internal.nd4j;

import java.lang.reflect.Array;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.functions.DifferentialFunction;

/**
 * Duplicates an op object field by field.
 *
 * <p>M2.1's own way to duplicate an op goes through its file format, which loses attributes of
 * several ops (the axis of {@code batchNorm}) and fails for others ({@code logSoftmax} with an
 * axis). Fields are all there is to an op object, so copying them loses nothing.
 */
public final class OpFields {
  private static final ClassValue<List<Field>> FIELDS =
      new ClassValue<>() {
        @Override
        protected List<Field> computeValue(Class<?> type) {
          List<Field> fields = new ArrayList<>();
          for (Class<?> c = type; c != null && c != Object.class; c = c.getSuperclass()) {
            for (Field field : c.getDeclaredFields()) {
              if (!Modifier.isStatic(field.getModifiers())) {
                field.setAccessible(true);
                fields.add(field);
              }
            }
          }
          return List.copyOf(fields);
        }
      };

  private OpFields() {}

  /** All instance fields of an op class, those of its superclasses included, made accessible. */
  static List<Field> of(Class<?> type) {
    return FIELDS.get(type);
  }

  /**
   * A new object of the same class with the same attributes, in the same graph and of the same
   * name. Lists, maps and Java arrays are its own; it holds no input or output arrays.
   *
   * @param op the op
   * @return the new object
   * @throws IllegalArgumentException if the op's class cannot be instantiated
   */
  public static DifferentialFunction copy(DifferentialFunction op) {
    try {
      Constructor<? extends DifferentialFunction> constructor =
          op.getClass().getDeclaredConstructor();
      constructor.setAccessible(true);
      DifferentialFunction copy = constructor.newInstance();
      for (Field field : of(op.getClass())) {
        field.set(copy, unshared(field.get(op)));
      }
      copy.clearArrays();
      return copy;
    } catch (ReflectiveOperationException e) {
      throw new IllegalArgumentException(
          "The op \""
              + op.getOwnName()
              + "\" ("
              + op.opName()
              + ") cannot be copied: "
              + op.getClass().getName()
              + " has no usable constructor without arguments.",
          e);
    }
  }

  private static @Nullable Object unshared(@Nullable Object value) {
    if (value instanceof List<?> list) {
      return new ArrayList<>(list);
    }
    if (value instanceof Map<?, ?> map) {
      return new LinkedHashMap<>(map);
    }
    if (value != null && value.getClass().isArray()) {
      int length = Array.getLength(value);
      Object array = Array.newInstance(value.getClass().getComponentType(), length);
      System.arraycopy(value, 0, array, 0, length);
      return array;
    }
    return value;
  }
}
