package org.backpack4j.samediff.check;

import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.autodiff.samediff.serde.FlatBuffersMapper;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.ScalarOp;

/**
 * Turns floating-point types that an op holds into double: of a scalar, of its type arguments, and
 * of whatever its class keeps in a field of its own.
 */
final class DoubleOps {
  /** Ops that keep a type as a number among their integer arguments, and at which place. */
  private static final Map<String, Integer> TYPE_ARGUMENT = Map.of("cast", 0, "create", 1);

  private static final String INTEGER_ARGUMENTS = "iArguments";

  private DoubleOps() {}

  /** Whether a type is floating point, but not double. */
  static boolean isShort(@Nullable DataType type) {
    return type != null && type.isFPType() && type != DataType.DOUBLE;
  }

  /** Changes an op in place. */
  static void convert(DifferentialFunction op) {
    if (op instanceof ScalarOp scalarOp) {
      convertScalar(scalarOp);
    }
    for (Class<?> c = op.getClass(); c != null; c = c.getSuperclass()) {
      for (Field field : c.getDeclaredFields()) {
        if (!Modifier.isStatic(field.getModifiers())) {
          convert(op, field);
        }
      }
    }
  }

  private static void convertScalar(ScalarOp op) {
    INDArray scalar = op.scalar();
    if (scalar != null && isShort(scalar.dataType())) {
      op.setScalar(scalar.castTo(DataType.DOUBLE));
    }
  }

  /** ND4J's op classes have no common way to ask for a type, so each field is looked at. */
  private static void convert(DifferentialFunction op, Field field) {
    try {
      if (field.getType() == DataType.class) {
        field.setAccessible(true);
        if (isShort((DataType) field.get(op))) {
          field.set(op, DataType.DOUBLE);
        }
      } else if (field.getType() == List.class) {
        field.setAccessible(true);
        Object list = field.get(op);
        if (list != null) {
          convertList(op, field.getName(), (List<?>) list);
        }
      }
    } catch (IllegalAccessException e) {
      throw new IllegalArgumentException(
          "The op \"" + op.getOwnName() + "\" cannot be turned into double precision.", e);
    }
  }

  @SuppressWarnings("unchecked") // the elements say what the list is of
  private static void convertList(DifferentialFunction op, String name, List<?> list) {
    if (list.stream().anyMatch(DataType.class::isInstance)) {
      ((List<DataType>) list).replaceAll(type -> isShort(type) ? DataType.DOUBLE : type);
    }
    Integer place = TYPE_ARGUMENT.get(op.opName());
    if (name.equals(INTEGER_ARGUMENTS) && place != null && place < list.size()) {
      ((List<Long>) list).set(place, doubled(((List<Long>) list).get(place)));
    }
  }

  private static long doubled(long type) {
    boolean isShort = isShort(FlatBuffersMapper.getDataTypeFromByte((byte) type));
    return isShort ? FlatBuffersMapper.getDataTypeAsByte(DataType.DOUBLE) : type;
  }
}
