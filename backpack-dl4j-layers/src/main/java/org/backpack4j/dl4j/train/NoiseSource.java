package org.backpack4j.dl4j.train;

import java.nio.ByteBuffer;
import java.nio.LongBuffer;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.SplittableRandom;
import java.util.function.LongSupplier;
import javax.crypto.Cipher;
import javax.crypto.ShortBufferException;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * Random numbers that nobody can guess: the key stream of AES-256 in counter mode, with key and
 * counter by {@link SecureRandom}.
 *
 * <p>A normal number is a sum of four, divided by two, and the first that is drawn is thrown away:
 * of a single one in floating point the last digits can tell which numbers were possible (Holohan
 * and Braghin, 2021, "Secure random sampling in differential privacy"; Mironov, 2012, "On
 * significance of the least significant bits for differential privacy").
 */
final class NoiseSource {
  /** As many numbers are added up. */
  private static final int SUMMANDS = 4;

  private static final int BYTES = 1 << 14;
  private static final double UNIT = 0x1p-53;

  private final LongSupplier bits;

  private NoiseSource(LongSupplier bits) {
    this.bits = bits;
  }

  /** Numbers that nobody can guess. */
  static NoiseSource secure() {
    SecureRandom seeds = new SecureRandom();
    byte[] key = new byte[32];
    byte[] counter = new byte[16];
    seeds.nextBytes(key);
    seeds.nextBytes(counter);
    return new NoiseSource(new KeyStream(key, counter));
  }

  /** Numbers that anybody can guess, for tests. */
  static NoiseSource seeded(long seed) {
    return new NoiseSource(new SplittableRandom(seed)::nextLong);
  }

  /** A key stream, some bytes at a time. */
  private static final class KeyStream implements LongSupplier {
    private static final byte[] ZEROS = new byte[BYTES];
    private final Cipher cipher;
    private final byte[] bytes = new byte[BYTES];
    private final LongBuffer numbers = ByteBuffer.wrap(bytes).asLongBuffer();

    KeyStream(byte[] key, byte[] counter) {
      try {
        cipher = Cipher.getInstance("AES/CTR/NoPadding");
        cipher.init(
            Cipher.ENCRYPT_MODE, new SecretKeySpec(key, "AES"), new IvParameterSpec(counter));
      } catch (GeneralSecurityException e) {
        throw new IllegalStateException(
            "This Java has no AES-256 in counter mode, by which noise is drawn: use one that has.",
            e);
      }
      numbers.position(numbers.limit());
    }

    @Override
    public long getAsLong() {
      if (!numbers.hasRemaining()) {
        try {
          cipher.update(ZEROS, 0, BYTES, bytes);
        } catch (ShortBufferException e) {
          throw new IllegalStateException(e);
        }
        numbers.rewind();
      }
      return numbers.get();
    }
  }

  /**
   * A number from 0 to 1, without 1.
   *
   * @return one of the multiples of 2⁻⁵³
   */
  double uniform() {
    return (bits.getAsLong() >>> 11) * UNIT;
  }

  /**
   * Normal numbers.
   *
   * @param count how many
   * @param deviation their standard deviation
   * @return so many independent numbers, of the mean 0
   */
  double[] normals(int count, double deviation) {
    double[] numbers = new double[count];
    double[] pair = new double[2];
    pair(pair); // thrown away
    double scale = deviation / Math.sqrt(SUMMANDS);
    for (int k = 0; k < count; k++) {
      double sum = 0;
      for (int i = 0; i < SUMMANDS; i += 2) {
        pair(pair);
        sum += pair[0] + pair[1];
      }
      numbers[k] = scale * sum;
    }
    return numbers;
  }

  /** Two independent standard normal numbers (Box and Muller, 1958). */
  private void pair(double[] pair) {
    double radius = Math.sqrt(-2 * Math.log(1 - uniform()));
    double angle = 2 * Math.PI * uniform();
    pair[0] = radius * Math.cos(angle);
    pair[1] = radius * Math.sin(angle);
  }
}
