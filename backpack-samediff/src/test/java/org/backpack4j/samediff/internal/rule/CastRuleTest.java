package org.backpack4j.samediff.internal.rule;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

class CastRuleTest {
  /** A network of which a part is in single precision: exact to that. */
  @Test
  void signalsAreCastBack() {
    SameDiff mixed = network(true);
    SameDiff twice = network(false);
    Map<String, INDArray> feeds = Problems.feeds(twice);
    List<String> names = List.of("w_x.grad_batch", "w_x.diag_ggn_exact", "v.grad", "v.grad_batch");
    try (ExtendedGraph graph = extended(mixed);
        ExtendedGraph reference = extended(twice)) {
      Map<String, INDArray> expected = reference.output(feeds, names);
      graph
          .output(feeds, names)
          .forEach(
              (name, array) -> {
                DataType own = name.startsWith("v") ? DataType.FLOAT : DataType.DOUBLE;
                assertThat(array.dataType()).as(name).isEqualTo(own);
                INDArray off = array.castTo(DataType.DOUBLE).sub(expected.get(name));
                assertThat(off.amaxNumber().doubleValue()).as(name).isLessThan(1e-6);
              });
    }
  }

  private static ExtendedGraph extended(SameDiff sd) {
    return BackPack.on(sd).predictions("z").extend(new BatchGrad(), new DiagGGNExact());
  }

  private static SameDiff network(boolean mixed) {
    DataType type = mixed ? DataType.FLOAT : DataType.DOUBLE;
    SameDiff sd = SameDiff.create();
    SDVariable x = Problems.samples(sd, "x", 3).castTo(type);
    SDVariable v = sd.var("v", Problems.random(5, -1, 1, 3, 2).castTo(type));
    return Problems.squared(sd, x.mmul(v).castTo(DataType.DOUBLE).add(0.5));
  }

  @Test
  void nothingPassesAnInteger() {
    SameDiff sd = SameDiff.create();
    SDVariable x = Problems.samples(sd, "x", 3);
    SDVariable whole = x.mul(3).castTo(DataType.INT32).castTo(DataType.DOUBLE);
    Problems.squared(sd, x.sub(whole));
    Problems.verify(sd, Problems.feeds(sd), "z");
  }
}
