package org.backpack4j.dl4j.internal.loss;

import java.util.LinkedHashMap;
import java.util.Map;
import org.backpack4j.dl4j.spi.LossConverter;
import org.nd4j.linalg.lossfunctions.ILossFunction;
import org.nd4j.linalg.lossfunctions.SameDiffLoss;
import org.nd4j.linalg.lossfunctions.impl.LossBinaryXENT;
import org.nd4j.linalg.lossfunctions.impl.LossCosineProximity;
import org.nd4j.linalg.lossfunctions.impl.LossFMeasure;
import org.nd4j.linalg.lossfunctions.impl.LossHinge;
import org.nd4j.linalg.lossfunctions.impl.LossKLD;
import org.nd4j.linalg.lossfunctions.impl.LossL1;
import org.nd4j.linalg.lossfunctions.impl.LossL2;
import org.nd4j.linalg.lossfunctions.impl.LossMAE;
import org.nd4j.linalg.lossfunctions.impl.LossMAPE;
import org.nd4j.linalg.lossfunctions.impl.LossMCXENT;
import org.nd4j.linalg.lossfunctions.impl.LossMSE;
import org.nd4j.linalg.lossfunctions.impl.LossMSLE;
import org.nd4j.linalg.lossfunctions.impl.LossMixtureDensity;
import org.nd4j.linalg.lossfunctions.impl.LossMultiLabel;
import org.nd4j.linalg.lossfunctions.impl.LossNegativeLogLikelihood;
import org.nd4j.linalg.lossfunctions.impl.LossPoisson;
import org.nd4j.linalg.lossfunctions.impl.LossSparseMCXENT;
import org.nd4j.linalg.lossfunctions.impl.LossSquaredHinge;
import org.nd4j.linalg.lossfunctions.impl.LossWasserstein;

/** Who converts which loss function. */
public final class LossConverters {
  private final Map<Class<?>, LossConverter<?>> table = new LinkedHashMap<>();

  private LossConverters() {
    put(LossBinaryXENT.class, new BinaryCrossEntropy());
    put(LossCosineProximity.class, new CosineProximity());
    put(
        LossFMeasure.class,
        new RefusedLoss(
            "the F-measure is one number for the whole batch, so that there is no gradient of a"
                + " sample",
            "use XENT or MCXENT"));
    put(LossHinge.class, new Hinge());
    put(LossKLD.class, new KullbackLeibler());
    put(LossL1.class, new AbsoluteError(false));
    put(LossL2.class, new SquaredError(false));
    put(LossMAE.class, new AbsoluteError(true));
    put(LossMAPE.class, new PercentageError());
    put(LossMCXENT.class, new CrossEntropy());
    put(LossMSE.class, new SquaredError(true));
    put(LossMSLE.class, new LogarithmicError());
    put(LossMixtureDensity.class, new MixtureDensity());
    put(LossMultiLabel.class, new MultiLabel());
    put(LossNegativeLogLikelihood.class, new CrossEntropy());
    put(LossPoisson.class, new Poisson());
    put(LossSparseMCXENT.class, new SparseCrossEntropy());
    put(LossSquaredHinge.class, new SquaredHinge());
    put(LossWasserstein.class, new Wasserstein());
    put(SameDiffLoss.class, new SameDiffLossConverter());
  }

  /**
   * The table.
   *
   * @return the converters by the loss function's class
   */
  public static Map<Class<?>, LossConverter<?>> table() {
    return Map.copyOf(new LossConverters().table);
  }

  private <F extends ILossFunction> void put(Class<F> loss, LossConverter<? super F> converter) {
    table.put(loss, converter);
  }
}
