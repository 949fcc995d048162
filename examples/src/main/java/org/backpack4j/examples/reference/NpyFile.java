package org.backpack4j.examples.reference;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * NumPy's {@code .npy} format: a header that is the text of a Python dictionary, then the entries.
 *
 * <p>Floats come out as double, integers and booleans as long, always in C order.
 */
final class NpyFile {

  private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};
  private static final Pattern DESCRIPTION = Pattern.compile("'descr'\\s*:\\s*'([^']+)'");
  private static final Pattern FORTRAN = Pattern.compile("'fortran_order'\\s*:\\s*(True|False)");
  private static final Pattern SHAPE = Pattern.compile("'shape'\\s*:\\s*\\(([^)]*)\\)");

  private NpyFile() {}

  /** Reads one array, to the end of the stream. */
  static INDArray read(InputStream in) throws IOException {
    byte[] bytes = in.readAllBytes();
    if (bytes.length < 10 || !Arrays.equals(Arrays.copyOf(bytes, MAGIC.length), MAGIC)) {
      throw new IOException("not an .npy file");
    }
    ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    int major = bytes[6];
    int begin = major == 1 ? 10 : 12;
    int length = major == 1 ? Short.toUnsignedInt(buffer.getShort(8)) : buffer.getInt(8);
    String header = new String(bytes, begin, length, StandardCharsets.UTF_8);
    buffer.position(begin + length);
    return entries(
        buffer,
        field(DESCRIPTION, header),
        shape(field(SHAPE, header)),
        field(FORTRAN, header).equals("True"));
  }

  private static INDArray entries(
      ByteBuffer buffer, String type, long[] shape, boolean fortranOrder) throws IOException {
    int count = Math.toIntExact(Arrays.stream(shape).reduce(1, Math::multiplyExact));
    buffer.order(type.startsWith(">") ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN);
    INDArray flat =
        switch (type.substring(1)) {
          case "f8", "f4" -> {
            double[] values = new double[count];
            for (int i = 0; i < count; i++) {
              values[i] = type.endsWith("8") ? buffer.getDouble() : buffer.getFloat();
            }
            yield Nd4j.createFromArray(values);
          }
          case "i8", "i4", "i2", "i1", "u1", "b1" -> {
            long[] values = new long[count];
            for (int i = 0; i < count; i++) {
              values[i] =
                  switch (type.substring(1)) {
                    case "i8" -> buffer.getLong();
                    case "i4" -> buffer.getInt();
                    case "i2" -> buffer.getShort();
                    case "u1" -> Byte.toUnsignedLong(buffer.get());
                    default -> buffer.get();
                  };
            }
            yield Nd4j.createFromArray(values);
          }
          default -> throw new IOException("an .npy file of type " + type);
        };
    if (shape.length == 0) {
      return flat.reshape();
    }
    if (!fortranOrder || shape.length == 1) {
      return flat.reshape('c', shape);
    }
    long[] reversed = new long[shape.length];
    int[] axes = new int[shape.length];
    for (int i = 0; i < shape.length; i++) {
      reversed[i] = shape[shape.length - 1 - i];
      axes[i] = shape.length - 1 - i;
    }
    return flat.reshape('c', reversed).permute(axes).dup('c');
  }

  private static String field(Pattern pattern, String header) throws IOException {
    Matcher matcher = pattern.matcher(header);
    if (!matcher.find()) {
      throw new IOException("an .npy file with the header " + header.strip());
    }
    return matcher.group(1);
  }

  private static long[] shape(String text) {
    return Arrays.stream(text.split(","))
        .map(String::strip)
        .filter(part -> !part.isEmpty())
        .mapToLong(Long::parseLong)
        .toArray();
  }
}
