package org.backpack4j.samediff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BinaryOperator;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.backpack4j.samediff.check.BruteForce;
import org.backpack4j.samediff.extension.BatchDiagGGNExact;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.BatchL2Grad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.DiagGGNMC;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.extension.SumGradSquared;
import org.backpack4j.samediff.extension.Variance;
import org.backpack4j.samediff.testing.Checked;
import org.backpack4j.samediff.testing.Graphs;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Parameters that meet a value without a sample axis: a number that is settled by shapes is the
 * same for every sample; a value computed from all samples is refused for every kind of quantity,
 * unless the parameter is added to a loss as a penalty.
 */
class WithoutSampleAxisTest {
  private static final int T = 4;
  private static final int D = 3;

  /** A loss behind the parameters "P" [4, 3] and "v" [3, 2], of x [N, 4, 3]. */
  private static SameDiff network(Made made) {
    Nd4j.getRandom().setSeed(7);
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, T, D);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 2);
    SDVariable p = sd.var("P", Graphs.random(T, D));
    SDVariable h = sd.math().tanh(x.mul(made.of(sd, x, p)));
    SDVariable z = h.sum(1).mmul("z", sd.var("v", Graphs.random(D, 2)));
    sd.loss().softmaxCrossEntropy("loss", y, z, null);
    return sd;
  }

  private static Map<String, INDArray> feeds() {
    Map<String, INDArray> feeds = new LinkedHashMap<>();
    feeds.put("x", Graphs.random(3, T, D));
    feeds.put("y", Graphs.oneHot(3, 2));
    return feeds;
  }

  /** What meets x, [4, 3] or smaller, made of P. */
  private interface Made {
    SDVariable of(SameDiff sd, SDVariable x, SDVariable p);
  }

  private static SDVariable size(SameDiff sd, SDVariable x, int axis) {
    return sd.sizeAt(x, axis);
  }

  private static SDVariable number(SDVariable whole) {
    return whole.castTo(DataType.DOUBLE);
  }

  private static SDVariable range(SameDiff sd, SDVariable x, int axis, DataType type) {
    SDVariable zero = sd.constant(Nd4j.scalar(DataType.INT32, 0));
    SDVariable one = sd.constant(Nd4j.scalar(DataType.INT32, 1));
    return sd.range(zero, size(sd, x, axis).castTo(DataType.INT32), one, DataType.INT32)
        .castTo(type);
  }

  private static SDVariable shape(SameDiff sd, SDVariable... extents) {
    SDVariable[] all = new SDVariable[extents.length];
    for (int k = 0; k < all.length; k++) {
      all[k] = extents[k].castTo(DataType.INT32).reshape(1);
    }
    return sd.concat(0, all);
  }

  private static SDVariable whole(SameDiff sd, int value) {
    return sd.constant(Nd4j.scalar(DataType.INT32, value));
  }

  private static Map<String, Made> settled() {
    Map<String, Made> all = new LinkedHashMap<>();
    all.put("divided by an extent", (sd, x, p) -> p.div(number(size(sd, x, 1))));
    all.put("divided by the number of samples", (sd, x, p) -> p.div(number(size(sd, x, 0))));
    all.put(
        "scaled by a root of an extent",
        (sd, x, p) -> p.mul(sd.math().sqrt(number(size(sd, x, 2)))));
    all.put("times the number of all entries", (sd, x, p) -> p.mul(number(sd.size(x)).mul(0.01)));
    all.put("times the rank", (sd, x, p) -> p.mul(number(sd.rank(x))));
    all.put(
        "times an entry of the shape",
        (sd, x, p) -> p.mul(number(sd.shape(x)).get(org.nd4j.autodiff.samediff.SDIndex.point(2))));
    all.put(
        "looked up by positions", (sd, x, p) -> sd.gather(p, range(sd, x, 1, DataType.INT32), 0));
    all.put(
        "sliced by a computed size",
        (sd, x, p) ->
            sd.slice(
                p,
                sd.constant(Nd4j.createFromArray(0, 0)),
                shape(sd, size(sd, x, 1), whole(sd, D))));
    all.put(
        "reshaped by a computed shape",
        (sd, x, p) -> p.reshape(shape(sd, whole(sd, 1), size(sd, x, 1), whole(sd, D))));
    all.put(
        "tiled to a computed shape",
        (sd, x, p) -> sd.tile(sd.sum(p, true, 0), shape(sd, size(sd, x, 1), whole(sd, 1))));
    all.put(
        "tiled for each sample",
        (sd, x, p) ->
            sd.tile(sd.expandDims(p, 0), shape(sd, size(sd, x, 0), whole(sd, 1), whole(sd, 1))));
    all.put(
        "times a filled array",
        (sd, x, p) ->
            p.mul(sd.fill(shape(sd, size(sd, x, 1), whole(sd, 1)), DataType.DOUBLE, 0.7)));
    all.put(
        "multiplied by one-hot positions",
        (sd, x, p) ->
            sd.oneHot(range(sd, x, 1, DataType.INT32), T, -1, 1.0, 0.0, DataType.DOUBLE).mmul(p));
    all.put(
        "beside angles of positions",
        (sd, x, p) ->
            sd.math()
                .cos(
                    range(sd, x, 1, DataType.DOUBLE)
                        .reshape(T, 1)
                        .mul(sd.mean(p, true, 0).reshape(1, D))));
    all.put("plus zeros like a mean of all", (sd, x, p) -> p.add(sd.zerosLike(x.mean(0))));
    all.put("times ones like a maximum of all", (sd, x, p) -> p.mul(sd.onesLike(x.max(0))));
    all.put("times the mean of ones", (sd, x, p) -> p.mul(sd.mean(sd.onesLike(x), 0)));
    all.put("over the sum of ones", (sd, x, p) -> p.div(sd.sum(sd.onesLike(x), 0)));
    all.put(
        "plus zeros like a mean of what depends on it",
        (sd, x, p) -> p.add(sd.zerosLike(sd.math().tanh(x.mul(p)).mean(0))));
    all.put("plus positions of samples, added up", WithoutSampleAxisTest::plusPositions);
    all.put(
        "where there are more than two samples",
        (sd, x, p) -> p.mul(number(number(size(sd, x, 0)).gt(2.0).castTo(DataType.INT32).add(1))));
    return all;
  }

  private static SDVariable plusPositions(SameDiff sd, SDVariable x, SDVariable p) {
    return p.add(range(sd, x, 0, DataType.DOUBLE).sum().mul(0.1));
  }

  @TestFactory
  Stream<DynamicTest> whatShapesSettleIsTheSameForEverySample() {
    return settled().entrySet().stream()
        .map(
            form ->
                DynamicTest.dynamicTest(
                    form.getKey(),
                    () -> {
                      SameDiff sd = network(form.getValue());
                      Checked.checkNumbers(sd, feeds(), Checked.all());
                    }));
  }

  /** One of them in each layout, by SameDiff's session as well, and in portions. */
  @Test
  void inEveryWayOfRunning() {
    Checked.check(network((sd, x, p) -> p.div(number(size(sd, x, 0)))), feeds());
  }

  /** A row that is chosen by the number of samples is another one for another batch. */
  @Test
  void whatIsMovedByTheNumberOfSamplesIsRefused() {
    SameDiff sd =
        network(
            (graph, x, p) -> graph.gather(p, size(graph, x, 0).castTo(DataType.INT32).sub(1), 0));
    assertThatThrownBy(() -> BackPack.extend(sd, new BatchGrad()))
        .isInstanceOf(UnsupportedGraphException.class)
        .hasMessageContaining("depends on the number of samples");
  }

  private static Map<String, Made> ofAllSamples() {
    Map<String, Made> all = new LinkedHashMap<>();
    all.put("times a mean", (sd, x, p) -> p.mul(x.mean(0)));
    all.put("times a scalar mean", (sd, x, p) -> p.mul(x.mean()));
    all.put("over a maximum", (sd, x, p) -> p.div(sd.math().abs(x).max().add(1)));
    all.put("matrix product", (sd, x, p) -> sd.mmul(x.mean(0), p, false, true, false).mean());
    all.put("the power of a mean", (sd, x, p) -> sd.math().pow(p.add(2), x.mean()));
    all.put("the larger one", (sd, x, p) -> sd.math().max(p, x.mean(0)));
    all.put("joined", (sd, x, p) -> sd.concat(0, p, x.mean(0)).mean(true, 0));
    all.put("plus a mean", (sd, x, p) -> p.add(x.mean(0)));
    all.put("minus a mean", (sd, x, p) -> p.sub(x.mean(0)));
    all.put("a mean minus", (sd, x, p) -> x.mean(0).sub(p));
    all.put("merged", (sd, x, p) -> sd.math().mergeAdd(p, x.mean(0), x.max(0)));
    all.put("plus a mean, computed before", (sd, x, p) -> sd.math().tanh(p.mul(2)).add(x.mean(0)));
    all.put("plus a mean, scaled behind", (sd, x, p) -> p.add(x.mean(0)).mul(2).reshape(T, D));
    all.put(
        "plus zeros times a mean", // nothing that shapes could tell
        (sd, x, p) -> p.add(x.mean(0).mul(0)));
    return all;
  }

  private static final List<Extension> EXTENSIONS =
      List.of(
          new BatchGrad(),
          new BatchL2Grad(),
          new SumGradSquared(),
          new Variance(),
          new DiagGGNExact(),
          new BatchDiagGGNExact(),
          new DiagGGNMC(1));

  @TestFactory
  Stream<DynamicTest> whatMeetsAllSamplesIsRefusedForEveryQuantity() {
    return ofAllSamples().entrySet().stream()
        .map(form -> DynamicTest.dynamicTest(form.getKey(), () -> refused(form.getValue())));
  }

  private static void refused(Made made) {
    SameDiff sd = network(made);
    try (ExtendedGraph graph =
        BackPack.on(sd).lenient().extend(EXTENSIONS.toArray(new Extension[0]))) {
      assertThat(graph.refusals())
          .filteredOn(r -> r.reason().contains("\"P\" acts on all samples at once"))
          .extracting(Refusal::quantity)
          .containsAll(EXTENSIONS.stream().map(Extension::field).toList());
      assertThat(graph.outputNames())
          .filteredOn(name -> name.startsWith("P."))
          .containsExactly("P.grad");
      Map<String, INDArray> feeds = feeds();
      Map<String, INDArray> answer =
          new LinkedHashMap<>(graph.output(feeds, List.of("P.grad", "v.grad", "v.grad_batch")));
      BruteForce.on(sd, feeds).verifier().entries(1).verify(answer).orThrow();
    }
  }

  /** A graph whose loss is made of that of a network and a term of w. */
  private static SameDiff penalised(Penalised loss) {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 5);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 3);
    SDVariable w = sd.var("w", Graphs.random(5, 3));
    SDVariable ce = sd.loss().softmaxCrossEntropy("ce", y, x.mmul(w), null);
    sd.setLossVariables(loss.of(sd, x, ce, w.mul(w).sum().mul(0.1)));
    return sd;
  }

  private interface Penalised {
    String[] of(SameDiff sd, SDVariable x, SDVariable ce, SDVariable squares);
  }

  private static Map<String, Penalised> penalties() {
    Map<String, Penalised> all = new LinkedHashMap<>();
    BinaryOperator<SDVariable> sum = SDVariable::add;
    UnaryOperator<SDVariable> none = v -> v;
    all.put("divided by the samples", of(sum, (sd, x) -> number(size(sd, x, 0)), none));
    all.put("divided by an extent", of(sum, (sd, x) -> number(size(sd, x, 1)), none));
    all.put("subtracted", of(SDVariable::sub, (sd, x) -> number(size(sd, x, 0)), none));
    all.put("in a sum that is scaled", of(sum, (sd, x) -> number(size(sd, x, 0)), v -> v.mul(0.3)));
    all.put(
        "in a sum that is reduced",
        of(sum, (sd, x) -> number(size(sd, x, 0)), v -> v.reshape(1, 1).sum()));
    all.put(
        "in a sum that is divided by the samples",
        (sd, x, ce, squares) ->
            new String[] {ce.add(squares).div("total", number(size(sd, x, 0))).name()});
    all.put(
        "a loss of its own",
        (sd, x, ce, squares) -> {
          SDVariable n = number(size(sd, x, 0));
          return new String[] {ce.name(), squares.div("penalty", n).name()};
        });
    return all;
  }

  private static Penalised of(
      BinaryOperator<SDVariable> sum,
      java.util.function.BiFunction<SameDiff, SDVariable, SDVariable> divisor,
      UnaryOperator<SDVariable> behind) {
    return (sd, x, ce, squares) ->
        new String[] {behind.apply(sum.apply(ce, squares.div(divisor.apply(sd, x)))).name()};
  }

  @TestFactory
  Stream<DynamicTest> aPenaltyIsToldApartWhateverItIsDividedBy() {
    return penalties().entrySet().stream()
        .map(
            form ->
                DynamicTest.dynamicTest(
                    form.getKey(),
                    () -> {
                      SameDiff sd = penalised(form.getValue());
                      Map<String, INDArray> answer =
                          Checked.checkNumbers(sd, Graphs.feeds(4), Checked.all());
                      INDArray whole =
                          answer.get("w.grad_batch").sum(0).add(answer.get("w.grad_penalty"));
                      assertThat(whole.sub(answer.get("w.grad")).amaxNumber().doubleValue())
                          .isLessThan(1e-12);
                    }));
  }

  /** What a penalty gets back there depends on the samples: it is none. */
  @Test
  void aTermInALossThatIsScaledByTheSamplesIsRefused() {
    SameDiff sd =
        penalised((graph, x, ce, squares) -> new String[] {ce.add(squares).mul(x.mean()).name()});
    for (Extension extension : Checked.all()) {
      assertThatThrownBy(() -> BackPack.extend(sd, extension))
          .isInstanceOf(UnsupportedGraphException.class)
          .hasMessageContaining("\"add\" (add)")
          .hasMessageContaining("\"w\"");
    }
  }
}
