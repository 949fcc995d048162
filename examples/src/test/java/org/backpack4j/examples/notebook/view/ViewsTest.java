package org.backpack4j.examples.notebook.view;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class ViewsTest {

  private static final INDArray RAMP = Nd4j.arange(12).reshape(3, 4);

  @Test
  void aSummaryHasShapeNormAndExtremes() {
    String text = SummaryView.of(Map.of("w.grad", Nd4j.createFromArray(3.0, -4.0))).toString();
    assertThat(text.lines().toList().get(1))
        .matches("w\\.grad +2 +5\\.00 +-0\\.500 +-4\\.00 +█.*█ +3\\.00");
  }

  @Test
  void numbersAreThoseOfTheArrayInAnyLayout() {
    for (INDArray array :
        new INDArray[] {RAMP, RAMP.dup('f'), RAMP.transpose().dup().transpose()}) {
      assertThat(Numbers.of(array).entries()).containsExactly(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
    }
    assertThat(Numbers.of(Nd4j.scalar(2.5)).entries()).containsExactly(2.5);
    assertThat(Numbers.of(RAMP.getColumn(1)).entries()).containsExactly(1, 5, 9);
  }

  @Test
  void histogramsCountEveryEntry() {
    assertThat(Numbers.of(RAMP).histogram(4)).containsExactly(3, 3, 3, 3);
    assertThat(Numbers.of(Nd4j.ones(5)).histogram(3)).containsExactly(5, 0, 0);
    INDArray odd = Nd4j.createFromArray(1.0, Double.NaN, 2.0);
    assertThat(Numbers.of(odd).bars(2)).hasSize(2);
  }

  @Test
  void htmlShowsNamesAsTheyAre() {
    assertThat(SummaryView.of(Map.of("a<b>&c", RAMP)).html())
        .contains("a&lt;b&gt;&amp;c")
        .doesNotContain("a<b>");
  }

  /** A heat map has a coloured rectangle for each entry. */
  @ParameterizedTest
  @CsvSource({"'3,4'", "'1,1,3,4'", "'2,3,2,2'", "'7'", "'5,1,3,3'"})
  void aHeatMapDrawsEveryEntryOnce(String extents) {
    long[] shape = Pattern.compile(",").splitAsStream(extents).mapToLong(Long::parseLong).toArray();
    INDArray array = Nd4j.rand(DataType.DOUBLE, shape);
    assertThat(fills(HeatMap.of("x", array).html())).isEqualTo(array.length() + FRAMES);
  }

  /** What is behind the entries. */
  private static final int FRAMES = 2;

  private static long fills(String svg) {
    return Pattern.compile("<rect [^>]*style=\"fill:rgb").matcher(svg).results().count();
  }

  @Test
  void aHeatMapIsTheRightWayUp() {
    INDArray corner = Nd4j.zeros(DataType.DOUBLE, 2, 3);
    corner.putScalar(0, 0, 1); // top left
    String svg = HeatMap.of("x", corner).html();
    var darkest =
        Pattern.compile(
                "<rect height=\"[0-9.]+\" style=\"fill:rgb\\(60,20,90\\);[^>]* x=\"([0-9.]+)\""
                    + " y=\"([0-9.]+)\"")
            .matcher(svg);
    assertThat(darkest.find()).isTrue();
    double x = Double.parseDouble(darkest.group(1));
    double y = Double.parseDouble(darkest.group(2));
    assertThat(x).isLessThan(40);
    assertThat(y).isLessThan(50);
  }

  @Test
  void whatCannotBeDrawnIsRefused() {
    assertThatThrownBy(() -> HeatMap.of("x", Nd4j.zeros(2, 3, 4)))
        .hasMessageContaining("[2, 3, 4]")
        .hasMessageContaining("slice");
  }

  @ParameterizedTest
  @ValueSource(strings = {"2,3,4", "3,4", "1", "100,100"})
  void anyQuantityHasAView(String extents) {
    long[] shape = Pattern.compile(",").splitAsStream(extents).mapToLong(Long::parseLong).toArray();
    QuantityView view = QuantityView.of("w.grad", Nd4j.rand(DataType.FLOAT, shape));
    assertThat(view.html()).contains("<b>w.grad</b>").contains("<svg");
    assertThat(view.toString()).contains("w.grad");
  }

  @Test
  void aHistoryHasItsCurves() {
    History history = new History("training");
    assertThat(history.html()).contains("nothing yet");
    for (int k = 0; k < 5; k++) {
      history.add(k, "loss", 1.0 / (k + 1)).add(k, "gap", k);
    }
    assertThat(history.html()).startsWith("<svg");
    assertThat(history.logarithmic().html()).startsWith("<svg");
    assertThat(history.toString().lines().toList().get(3)).matches("1\\.000 +0\\.500 +1\\.00");
  }

  @Test
  void viewsStandBesideEachOther() {
    Row row = Row.of(HeatMap.of("a", RAMP), HeatMap.of("b", RAMP));
    assertThat(row.toString()).isEqualTo("a: 3×4, from 0 to 11.0\nb: 3×4, from 0 to 11.0");
    assertThat(row.html()).containsSubsequence("flex", "<svg", "<svg");
    List<String> clips =
        Pattern.compile("id=\"([^\"]*)\"")
            .matcher(row.html())
            .results()
            .map(m -> m.group(1))
            .toList();
    assertThat(clips).isNotEmpty().allMatch(id -> row.html().contains("#" + id));
    assertThat(HeatMap.of("c", RAMP.mul(RAMP)).html()).doesNotContain(clips);
  }
}
