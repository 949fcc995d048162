package org.backpack4j.dl4j.internal.dropout;

import org.backpack4j.dl4j.spi.DropoutConverter;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.backpack4j.dl4j.spi.Obstacles;
import org.deeplearning4j.nn.conf.dropout.AlphaDropout;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** {@code AlphaDropout}: a (x ∘ M + α' (1 − M)) + b, where M's entries are 0 or 1. */
final class AlphaDropoutConverter implements DropoutConverter<AlphaDropout> {
  @Override
  public void check(AlphaDropout conf, Obstacles obstacles) {
    obstacles.addIf(
        conf.getPSchedule() != null,
        "its input passes an AlphaDropout whose probability changes from iteration to iteration",
        "give it one probability");
  }

  @Override
  public @Nullable INDArray noise(AlphaDropout conf) {
    return conf.getMask();
  }

  /** What is dropped is a α' + b, whatever it was. */
  @Override
  public INDArray noise(AlphaDropout conf, INDArray before, INDArray after) {
    double p = conf.getP();
    double dropped = conf.a(p) * conf.getAlphaPrime() + conf.b(p);
    INDArray mask = after.dup('c');
    for (long k = 0; k < mask.length(); k++) {
      double off = Math.abs(mask.getDouble(k) - dropped);
      mask.putScalar(k, off <= 1e-6 * Math.abs(dropped) ? 0 : 1);
    }
    return mask;
  }

  @Override
  public boolean found() {
    return true;
  }

  @Override
  public SDVariable apply(AlphaDropout conf, LayerOutput x, SDVariable noise) {
    double p = conf.getP();
    SDVariable dropped = noise.rsub(1).mul(conf.getAlphaPrime());
    return x.variable().mul(noise).add(dropped).mul(conf.a(p)).add(conf.b(p));
  }
}
