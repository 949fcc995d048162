package org.backpack4j.dl4j.testing;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Supplier;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.activations.impl.ActivationCube;
import org.nd4j.linalg.activations.impl.ActivationELU;
import org.nd4j.linalg.activations.impl.ActivationGELU;
import org.nd4j.linalg.activations.impl.ActivationHardSigmoid;
import org.nd4j.linalg.activations.impl.ActivationHardTanH;
import org.nd4j.linalg.activations.impl.ActivationIdentity;
import org.nd4j.linalg.activations.impl.ActivationLReLU;
import org.nd4j.linalg.activations.impl.ActivationMish;
import org.nd4j.linalg.activations.impl.ActivationRationalTanh;
import org.nd4j.linalg.activations.impl.ActivationReLU;
import org.nd4j.linalg.activations.impl.ActivationReLU6;
import org.nd4j.linalg.activations.impl.ActivationRectifiedTanh;
import org.nd4j.linalg.activations.impl.ActivationSELU;
import org.nd4j.linalg.activations.impl.ActivationSigmoid;
import org.nd4j.linalg.activations.impl.ActivationSoftPlus;
import org.nd4j.linalg.activations.impl.ActivationSoftSign;
import org.nd4j.linalg.activations.impl.ActivationSoftmax;
import org.nd4j.linalg.activations.impl.ActivationSwish;
import org.nd4j.linalg.activations.impl.ActivationTanH;
import org.nd4j.linalg.activations.impl.ActivationThresholdedReLU;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Draws values of settings, the defaults among them, by a seed. */
public final class Draws {
  private final Random random;

  public Draws(long seed) {
    random = new Random(seed * 0x9E3779B97F4A7C15L);
  }

  @SafeVarargs
  final <T> T of(T... values) {
    return values[random.nextInt(values.length)];
  }

  /** One of some values that are made only then. */
  @SafeVarargs
  final <T> T made(Supplier<? extends T>... makers) {
    return makers[random.nextInt(makers.length)].get();
  }

  boolean yes() {
    return random.nextBoolean();
  }

  /** An integer, both ends included. */
  int between(int least, int most) {
    return least + random.nextInt(most - least + 1);
  }

  int[] ints(int count, int least, int most) {
    return random.ints(count, least, most + 1).toArray();
  }

  /** Numbers between −1 and 1. */
  public INDArray numbers(long... shape) {
    INDArray array = Nd4j.create(DataType.DOUBLE, shape);
    for (long k = 0; k < array.length(); k++) {
      array.putScalar(k, 2 * random.nextDouble() - 1);
    }
    return array;
  }

  /** Whole numbers from 0 on. */
  INDArray indices(int below, long... shape) {
    INDArray array = Nd4j.create(DataType.DOUBLE, shape);
    for (long k = 0; k < array.length(); k++) {
      array.putScalar(k, random.nextInt(below));
    }
    return array;
  }

  CNN2DFormat images() {
    return of(CNN2DFormat.values());
  }

  RNNFormat series() {
    return of(RNNFormat.values());
  }

  ConvolutionMode mode() {
    return of(ConvolutionMode.Truncate, ConvolutionMode.Same, ConvolutionMode.Strict);
  }

  /** Any activation function that does not draw, with any settings. */
  IActivation activation() {
    List<Supplier<IActivation>> all = functions();
    return all.get(random.nextInt(all.size())).get();
  }

  private List<Supplier<IActivation>> functions() {
    return Arrays.asList(
        ActivationCube::new,
        ActivationELU::new,
        () -> new ActivationELU(of(1.0, 0.5)),
        () -> new ActivationGELU(yes()),
        ActivationHardSigmoid::new,
        ActivationHardTanH::new,
        ActivationIdentity::new,
        ActivationLReLU::new,
        () -> new ActivationLReLU(of(0.0, 0.01, 0.3, 1.0, -0.2)),
        ActivationMish::new,
        ActivationRationalTanh::new,
        () -> new ActivationReLU(of(null, 0.5, 0.0), of(null, 0.0, 0.2), of(null, 0.0, 0.3)),
        ActivationReLU6::new,
        ActivationRectifiedTanh::new,
        ActivationSELU::new,
        ActivationSigmoid::new,
        ActivationSoftPlus::new,
        ActivationSoftSign::new,
        ActivationSoftmax::new,
        ActivationSwish::new,
        ActivationTanH::new,
        () -> new ActivationThresholdedReLU(of(1.0, 0.0, 0.3, -0.3)));
  }
}
