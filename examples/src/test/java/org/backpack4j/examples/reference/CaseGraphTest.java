package org.backpack4j.examples.reference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class CaseGraphTest {

  static Stream<Path> cases() throws Exception {
    return CaseFolders.all().stream();
  }

  @ParameterizedTest
  @MethodSource("cases")
  void outputAndLossAreTheFigures(Path folder) throws Exception {
    ReferenceCase source = CaseReader.read(folder);
    CaseGraph built = CaseGraph.of(source);
    for (int evaluation = 0; evaluation < 2; evaluation++) {
      Map<String, INDArray> results =
          built.graph().output(built.feeds(), built.output(), CaseGraph.LOSS);
      INDArray output = results.get(built.output());
      assertThat(new WholeArrays(List.of(source.output())).compare(List.of(output)).relative())
          .isLessThan(1e-12);
      double loss = results.get(CaseGraph.LOSS).getDouble(0);
      assertThat(loss).isCloseTo(source.lossValue(), within(1e-12 * Math.abs(loss)));
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void aBatchOfAnotherSizeWillDo(Path folder) throws Exception {
    CaseGraph built = CaseGraph.of(CaseReader.read(folder));
    Map<String, INDArray> twice = new HashMap<>();
    built.feeds().forEach((name, array) -> twice.put(name, Nd4j.concat(0, array, array)));
    INDArray output = value(built, built.feeds());
    assertThat(value(built, twice).equalsWithEps(Nd4j.concat(0, output, output), 1e-12)).isTrue();
  }

  private static INDArray value(CaseGraph built, Map<String, INDArray> feeds) {
    return built.graph().output(feeds, built.output()).get(built.output());
  }

  @ParameterizedTest
  @MethodSource("cases")
  void variablesAreTheParametersUnderTheirNames(Path folder) throws Exception {
    ReferenceCase source = CaseReader.read(folder);
    CaseGraph built = CaseGraph.of(source);
    assertThat(built.graph().variableMap()).containsKeys(names(source));
    source
        .parameters()
        .forEach(
            (name, array) -> assertThat(built.graph().getVariable(name).getArr()).isEqualTo(array));
  }

  private static String[] names(ReferenceCase source) {
    return source.parameters().keySet().toArray(String[]::new);
  }

  @Test
  void anUnknownOpIsNamed() {
    INDArray one = Nd4j.createFromArray(1.0).reshape('c', 1, 1);
    ReferenceCase source =
        new ReferenceCase(
            "unknown",
            List.of(new CaseNode("x", "wavelet", List.of("input"), Attributes.NONE, "x")),
            new LossSpec("mse", "mean", Attributes.NONE),
            Map.of("input", one),
            one,
            one,
            null,
            Map.of(),
            Map.of(),
            Map.of(),
            Map.of(),
            1e-8);
    assertThatThrownBy(() -> CaseGraph.of(source))
        .isInstanceOf(UnsupportedCaseException.class)
        .hasMessageContaining("wavelet");
  }
}
