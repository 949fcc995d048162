package org.backpack4j.samediff.check;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.internal.interpret.ReferenceInterpreter;
import org.backpack4j.samediff.testing.Graphs;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class DownstreamTest {
  private final SameDiff sd = SameDiff.create();
  private final SDVariable x = sd.placeHolder("x", DataType.DOUBLE, 2, 3);
  private final SDVariable w = sd.var("w", Graphs.random(3, 4));
  private final Map<String, INDArray> feeds = Map.of("x", Graphs.random(2, 3));

  @Test
  void followsParametersAndPlaceholders() {
    String loss = sd.math().tanh(x.mmul(w)).sum().name();
    Downstream ofParameter = new Downstream(sd, feeds, List.of("w"), List.of(loss));
    Downstream ofPlaceholder = new Downstream(sd, feeds, List.of("x"), List.of(loss));
    for (int run = 0; run < 3; run++) {
      sd.getArrForVarName("w").addi(0.1);
      feeds.get("x").subi(0.2);
      INDArray now = ReferenceInterpreter.run(sd, feeds, List.of(loss)).get(loss);
      assertThat(ofPlaceholder.run().get(loss)).isNotEqualTo(now); // w is as it was
      INDArray other = ofParameter.run().get(loss);
      assertThat(other).isNotEqualTo(now); // x is as it was
      Downstream ofBoth = new Downstream(sd, feeds, List.of("w", "x"), List.of(loss));
      assertThat(ofBoth.run().get(loss)).isEqualTo(now);
    }
  }

  /** No op is run that the interpreter would refuse, wherever it stands. */
  @Test
  void refusesWhatCannotBeRun() {
    long before = Nd4j.getRandom().nodeState();
    String loss = sd.nn().dropout(x.mmul(w), 0.5).sum().name();
    assertThatThrownBy(() -> new Downstream(sd, feeds, List.of("w"), List.of(loss)))
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessageContaining("random");
    assertThat(Nd4j.getRandom().nodeState()).isEqualTo(before);
  }
}
