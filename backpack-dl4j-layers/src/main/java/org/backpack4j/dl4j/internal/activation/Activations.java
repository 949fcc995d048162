package org.backpack4j.dl4j.internal.activation;

import java.util.LinkedHashMap;
import java.util.Map;
import org.backpack4j.dl4j.spi.ActivationConverter;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.activations.impl.ActivationCube;
import org.nd4j.linalg.activations.impl.ActivationELU;
import org.nd4j.linalg.activations.impl.ActivationGELU;
import org.nd4j.linalg.activations.impl.ActivationHardSigmoid;
import org.nd4j.linalg.activations.impl.ActivationHardTanH;
import org.nd4j.linalg.activations.impl.ActivationIdentity;
import org.nd4j.linalg.activations.impl.ActivationLReLU;
import org.nd4j.linalg.activations.impl.ActivationMish;
import org.nd4j.linalg.activations.impl.ActivationRReLU;
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
import org.nd4j.linalg.api.ops.impl.scalar.Relu6;
import org.nd4j.linalg.api.ops.impl.transforms.custom.ThresholdRelu;
import org.nd4j.linalg.api.ops.impl.transforms.strict.Mish;
import org.nd4j.linalg.api.ops.impl.transforms.strict.RationalTanh;
import org.nd4j.linalg.api.ops.impl.transforms.strict.RectifiedTanh;

/** Who converts which activation function. */
public final class Activations {
  private final Map<Class<?>, ActivationConverter<?>> table = new LinkedHashMap<>();

  private Activations() {
    put(ActivationCube.class, x -> x.getSameDiff().math().cube(x));
    put(ActivationELU.class, new Elu());
    put(ActivationGELU.class, new Gelu());
    put(ActivationHardSigmoid.class, x -> x.getSameDiff().nn().hardSigmoid(x));
    put(ActivationHardTanH.class, x -> x.getSameDiff().nn().hardTanh(x));
    put(ActivationIdentity.class, x -> x);
    put(ActivationLReLU.class, new LeakyRelu());
    put(ActivationMish.class, x -> new Mish(x.getSameDiff(), x, false).outputVariable());
    put(ActivationRReLU.class, new RandomRelu());
    put(ActivationRationalTanh.class, x -> new RationalTanh(x.getSameDiff(), x).outputVariable());
    put(ActivationReLU.class, new Relu());
    put(ActivationReLU6.class, x -> new Relu6(x.getSameDiff(), x, 0.0).outputVariable());
    put(ActivationRectifiedTanh.class, x -> new RectifiedTanh(x.getSameDiff(), x).outputVariable());
    put(ActivationSELU.class, x -> x.getSameDiff().nn().selu(x));
    put(ActivationSigmoid.class, x -> x.getSameDiff().nn().sigmoid(x));
    put(ActivationSoftPlus.class, x -> x.getSameDiff().nn().softplus(x));
    put(ActivationSoftSign.class, x -> x.getSameDiff().nn().softsign(x));
    put(ActivationSoftmax.class, x -> x.getSameDiff().nn().softmax(x, -1));
    put(ActivationSwish.class, x -> x.getSameDiff().nn().swish(x));
    put(ActivationTanH.class, x -> x.getSameDiff().math().tanh(x));
    put(ActivationThresholdedReLU.class, new Thresholded());
  }

  /**
   * The table.
   *
   * @return the converters by the function's class
   */
  public static Map<Class<?>, ActivationConverter<?>> table() {
    return Map.copyOf(new Activations().table);
  }

  private <A extends IActivation> void put(
      Class<A> function, ActivationConverter<? super A> converter) {
    table.put(function, converter);
  }

  /** A function without settings. */
  private interface Plain {
    SDVariable of(SDVariable x);
  }

  private <A extends IActivation> void put(Class<A> function, Plain plain) {
    table.put(function, (ActivationConverter<A>) (f, x) -> plain.of(x));
  }

  /** x, or 0 where it is at most θ. */
  private static final class Thresholded implements ActivationConverter<ActivationThresholdedReLU> {
    @Override
    public SDVariable convert(ActivationThresholdedReLU function, SDVariable x) {
      return new ThresholdRelu(x.getSameDiff(), x, function.getTheta()).outputVariable();
    }
  }
}
