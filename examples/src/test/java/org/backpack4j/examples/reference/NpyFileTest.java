package org.backpack4j.examples.reference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class NpyFileTest {

  @Test
  void entriesInBothOrdersGiveTheSameMatrix() throws IOException {
    INDArray expected = Nd4j.createFromArray(new double[][] {{1, 2, 3}, {4, 5, 6}});
    assertThat(read("<f8", "False", "(2, 3)", 1, 2, 3, 4, 5, 6)).isEqualTo(expected);
    INDArray fortran = read("<f8", "True", "(2, 3)", 1, 4, 2, 5, 3, 6);
    assertThat(fortran).isEqualTo(expected);
    assertThat(fortran.ordering()).isEqualTo('c');
  }

  @Test
  void integersAreLongAndAVectorHasOneAxis() throws IOException {
    INDArray read = read("<i8", "False", "(3,)", 7, -1, 2);
    assertThat(read.shape()).containsExactly(3);
    assertThat(read.toLongVector()).containsExactly(7, -1, 2);
  }

  @Test
  void aScalarHasNoAxis() throws IOException {
    INDArray read = read("<f8", "False", "()", 2.5);
    assertThat(read.rank()).isZero();
    assertThat(read.getDouble()).isEqualTo(2.5);
  }

  @Test
  void anotherTypeIsNamed() {
    assertThatThrownBy(() -> read("<c16", "False", "(1,)", 1, 0)).hasMessageContaining("<c16");
  }

  private static INDArray read(String type, String fortran, String shape, double... entries)
      throws IOException {
    String header =
        "{'descr': '" + type + "', 'fortran_order': " + fortran + ", 'shape': " + shape + ", }\n";
    byte[] text = header.getBytes(StandardCharsets.US_ASCII);
    ByteBuffer buffer = ByteBuffer.allocate(10 + text.length + 8 * entries.length);
    buffer.order(ByteOrder.LITTLE_ENDIAN);
    buffer.put((byte) 0x93).put("NUMPY".getBytes(StandardCharsets.US_ASCII)).put((byte) 1);
    buffer.put((byte) 0).putShort((short) text.length).put(text);
    for (double entry : entries) {
      if (type.equals("<i8")) {
        buffer.putLong((long) entry);
      } else {
        buffer.putDouble(entry);
      }
    }
    return NpyFile.read(new ByteArrayInputStream(buffer.array()));
  }
}
