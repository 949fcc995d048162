package org.backpack4j.dl4j.loss;

import java.util.LinkedHashMap;
import java.util.Map;
import org.backpack4j.dl4j.convert.LossConverter;
import org.nd4j.linalg.lossfunctions.ILossFunction;
import org.nd4j.linalg.lossfunctions.impl.LossBinaryXENT;
import org.nd4j.linalg.lossfunctions.impl.LossL1;
import org.nd4j.linalg.lossfunctions.impl.LossL2;
import org.nd4j.linalg.lossfunctions.impl.LossMAE;
import org.nd4j.linalg.lossfunctions.impl.LossMCXENT;
import org.nd4j.linalg.lossfunctions.impl.LossMSE;
import org.nd4j.linalg.lossfunctions.impl.LossNegativeLogLikelihood;

/** Who converts which loss function. */
public final class LossFunctions {
  private final Map<Class<?>, LossConverter<?>> table = new LinkedHashMap<>();

  private LossFunctions() {
    put(LossBinaryXENT.class, new BinaryCrossEntropy());
    put(LossL1.class, new AbsoluteError(false));
    put(LossL2.class, new SquaredError(false));
    put(LossMAE.class, new AbsoluteError(true));
    put(LossMCXENT.class, new CrossEntropy());
    put(LossMSE.class, new SquaredError(true));
    put(LossNegativeLogLikelihood.class, new CrossEntropy());
  }

  /**
   * The table.
   *
   * @return the converters by the loss function's class
   */
  public static Map<Class<?>, LossConverter<?>> table() {
    return Map.copyOf(new LossFunctions().table);
  }

  private <F extends ILossFunction> void put(Class<F> loss, LossConverter<? super F> converter) {
    table.put(loss, converter);
  }
}
