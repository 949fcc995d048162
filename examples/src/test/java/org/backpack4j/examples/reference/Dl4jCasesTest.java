package org.backpack4j.examples.reference;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.backpack4j.dl4j.BackPackListener;
import org.backpack4j.dl4j.Scale;
import org.backpack4j.samediff.extension.Extension;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;

/** The sequential and residual cases as ComputationGraphs, their figures through the listener. */
class Dl4jCasesTest {
  private static final List<String> FIELDS =
      List.of("grad_batch", "batch_l2", "sum_grad_squared", "variance", "diag_ggn_exact");

  static Stream<Path> cases() throws Exception {
    List<Path> fit = new ArrayList<>();
    for (Path folder : CaseFolders.all()) {
      if (Dl4jCase.fits(CaseReader.read(folder))) {
        fit.add(folder);
      }
    }
    assertThat(fit).hasSizeGreaterThan(10);
    return fit.stream();
  }

  @ParameterizedTest
  @MethodSource("cases")
  void theListenerGivesTheFiguresOfTheCase(Path folder) throws Exception {
    ReferenceCase reference = CaseReader.read(folder);
    Dl4jCase dl4j = new Dl4jCase(reference);
    ComputationGraph net = dl4j.network();
    Extension[] extensions =
        FIELDS.stream()
            .filter(reference.quantities()::containsKey)
            .flatMap(f -> Quantities.extensions(f).orElseThrow().stream())
            .toArray(Extension[]::new);
    boolean mean = reference.loss().reduction().equals("mean");
    try (BackPackListener listener =
        new BackPackListener(extensions).scale(mean ? Scale.MEAN : Scale.SUM)) {
      net.setListeners(listener);
      net.fit(new DataSet(dl4j.features(), dl4j.labels()));
      Map<String, INDArray> outputs = listener.outputs();
      int compared = 0;
      for (String field : FIELDS) {
        Map<String, Figure> figures = reference.quantities().getOrDefault(field, Map.of());
        for (Map.Entry<String, Figure> figure : figures.entrySet()) {
          INDArray computed = outputs.get(dl4j.parameter(figure.getKey()) + "." + field);
          INDArray inTheirLayout = dl4j.layout(figure.getKey(), field, computed);
          Difference difference = figure.getValue().compare(List.of(inTheirLayout));
          assertThat(difference.within(reference.tolerance()))
              .as(field + " of " + figure.getKey() + ": " + difference)
              .isTrue();
          compared++;
        }
      }
      assertThat(compared).isPositive();
    }
  }
}
