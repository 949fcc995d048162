package org.backpack4j.samediff.execution;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.util.Random;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;

/** Maxima in both precisions against a search through each window. */
class MaximaTest {
  private static final float[] SPECIAL = {
    0, -0f, 1, 1, -2, Float.NEGATIVE_INFINITY, Float.POSITIVE_INFINITY
  };

  private final Random random = new Random();
  private Unfold.Axis h = axis(1);
  private Unfold.Axis w = axis(1);
  private float[] image = {};

  @Property(tries = 1000)
  void equalThoseOfEachWindow(@ForAll long seed) {
    random.setSeed(seed);
    h = axis(1 + random.nextInt(9));
    w = axis(1 + random.nextInt(9));
    image = new float[h.in() * w.in()];
    double[] doubles = new double[image.length];
    for (int i = 0; i < image.length; i++) {
      boolean special = random.nextInt(3) == 0;
      image[i] = special ? SPECIAL[random.nextInt(SPECIAL.length)] : (float) random.nextGaussian();
      doubles[i] = image[i];
    }
    int windows = h.out() * w.out();
    int[] places = new int[windows];
    float[] values = new float[windows];
    double[] valuesOfDoubles = new double[windows];
    for (int i = 0; i < windows; i++) {
      places[i] = place(i / w.out(), i % w.out());
      values[i] = Math.max(-Float.MAX_VALUE, image[places[i]]) + 0f;
      valuesOfDoubles[i] = Math.max(-Double.MAX_VALUE, image[places[i]]) + 0.0;
    }

    float[] floatValues = new float[windows];
    double[] doubleValues = new double[windows];
    int[] floatPlaces = new int[windows];
    int[] doublePlaces = new int[windows];
    Maxima<float[]> ofFloats = new FloatMaxima(h, w);
    Maxima<double[]> ofDoubles = new DoubleMaxima(h, w);
    for (int time = 0; time < 2; time++) { // nothing is left from the first time
      ofFloats.values(image, floatValues);
      ofFloats.places(image, floatPlaces);
      ofDoubles.values(doubles, doubleValues);
      ofDoubles.places(doubles, doublePlaces);
    }

    assertArrayEquals(values, withoutMinusZero(floatValues));
    assertArrayEquals(places, floatPlaces);
    assertArrayEquals(valuesOfDoubles, doubleValues, 0);
    assertArrayEquals(places, doublePlaces);
  }

  @Example
  void whatIsNoNumberIsGreatest() {
    Unfold.Axis axis = new Unfold.Axis(3, 3, 1, 0, 1, 1);
    float[] maximum = new float[1];
    new FloatMaxima(axis, axis).values(new float[] {1, 2, 3, 4, Float.NaN, 5, 6, 7, 8}, maximum);
    assertArrayEquals(new float[] {Float.NaN}, maximum);
    double[] ofDoubles = new double[1];
    new DoubleMaxima(axis, axis)
        .values(new double[] {1, 2, 3, 4, Double.NaN, 5, 6, 7, 8}, ofDoubles);
    assertArrayEquals(new double[] {Double.NaN}, ofDoubles);
  }

  /** Windows each of which sees something. */
  private Unfold.Axis axis(int in) {
    while (true) {
      int kernel = 1 + random.nextInt(4);
      int dilation = 1 + random.nextInt(2);
      Unfold.Axis axis =
          new Unfold.Axis(
              in,
              kernel,
              1 + random.nextInt(3),
              random.nextInt(4) - 1,
              dilation,
              1 + random.nextInt(5));
      boolean allSee = true;
      for (int window = 0; window < axis.out(); window++) {
        allSee &= axis.firstTap(window) < axis.endTap(window);
      }
      if (allSee) {
        return axis;
      }
    }
  }

  private int place(int y, int x) {
    int best = -1;
    for (int i = 0; i < h.kernel(); i++) {
      for (int j = 0; j < w.kernel(); j++) {
        int row = h.seen(i, y);
        int column = w.seen(j, x);
        boolean inside = row >= 0 && row < h.in() && column >= 0 && column < w.in();
        int place = row * w.in() + column;
        if (inside && (best < 0 || image[place] > image[best])) {
          best = place;
        }
      }
    }
    return best;
  }

  private static float[] withoutMinusZero(float[] values) {
    float[] result = values.clone();
    for (int i = 0; i < result.length; i++) {
      result[i] += 0f;
    }
    return result;
  }
}
