package org.backpack4j.samediff.internal.interpret;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.backpack4j.samediff.internal.nd4j.OpFields;
import org.backpack4j.samediff.internal.rewrite.InputReshapes;
import org.backpack4j.samediff.testing.ArrayAssert;
import org.backpack4j.samediff.testing.OpCase;
import org.backpack4j.samediff.testing.OpCases;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.VariableType;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.autodiff.samediff.internal.Variable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.PaddingMode;
import org.nd4j.linalg.api.ops.impl.reduce.same.Sum;
import org.nd4j.linalg.api.ops.impl.shape.CreateView;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

class ReferenceInterpreterTest {
  private static INDArray rand(long... shape) {
    return Nd4j.rand(DataType.DOUBLE, shape).subi(0.4);
  }

  /** tanh(x w + b), its sum of squares along each row, and a loss. */
  private static SameDiff dense() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.DOUBLE, -1, 4);
    SDVariable w = graph.var("w", rand(4, 3));
    SDVariable b = graph.var("b", rand(3));
    SDVariable h = graph.math().tanh("h", x.mmul(w).add(b));
    h.mul(h).sum("rows", 1);
    h.mul(2.0).sub(h.rdiv(1.0)).mean("loss");
    return graph;
  }

  private static INDArray session(SameDiff graph, Map<String, INDArray> feeds, String name) {
    graph.setEnableCache(false);
    return graph.output(feeds, name).get(name).dup('c');
  }

  @Test
  void agreesWithTheSession() {
    SameDiff graph = dense();
    Map<String, INDArray> feeds = Map.of("x", rand(5, 4));

    Map<String, INDArray> walked =
        ReferenceInterpreter.run(graph, feeds, List.of("loss", "rows", "h"));

    assertThat(walked.keySet()).containsExactly("loss", "rows", "h");
    walked.forEach((name, array) -> ArrayAssert.assertClose(array, session(graph, feeds, name)));
  }

  static List<OpCase> everyOp() {
    return OpCases.all();
  }

  @ParameterizedTest
  @MethodSource("everyOp")
  void agreesWithTheSessionOn(OpCase op) {
    SameDiff graph = op.graph();

    INDArray walked = ReferenceInterpreter.run(graph, Map.of(), List.of("o")).get("o");

    ArrayAssert.assertClose(walked, session(graph, Map.of(), "o"));
  }

  @Test
  void layoutOfFeedsAndParametersMakesNoDifference() {
    SameDiff graph = dense();
    INDArray x = rand(5, 4);
    INDArray w = graph.getVariable("w").getArr().dup();
    INDArray expected =
        ReferenceInterpreter.run(graph, Map.of("x", x), List.of("loss")).get("loss");
    INDArray wide = Nd4j.create(DataType.DOUBLE, 5, 8);
    INDArray strided = wide.get(NDArrayIndex.all(), NDArrayIndex.interval(1, 2, 8));
    strided.assign(x);
    INDArray transposed = x.transpose().dup('c').transpose();

    for (INDArray feed : List.of(x.dup('f'), strided, transposed)) {
      for (INDArray parameter : List.of(w, w.dup('f'), w.transpose().dup('c').transpose())) {
        graph.getVariable("w").setArray(parameter);
        for (int i = 0; i < 2; i++) {
          Map<String, INDArray> walked =
              ReferenceInterpreter.run(graph, Map.of("x", feed), List.of("loss"));
          ArrayAssert.assertClose(walked.get("loss"), expected);
        }
      }
    }
  }

  @Test
  void answersCopiesOfWhatIsNotItsOwn() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.DOUBLE, 2);
    SDVariable w = graph.var("w", rand(2));
    graph.constant("c", rand(2));
    graph.identity("same", w);
    graph.identity("again", x.add("sum", 1.0));
    INDArray feed = rand(2);
    INDArray before = feed.dup();
    INDArray parameter = w.getArr().dup();

    Map<String, INDArray> walked =
        ReferenceInterpreter.run(
            graph, Map.of("x", feed), List.of("x", "w", "c", "same", "sum", "again"));
    walked.values().forEach(array -> array.addi(1));

    ArrayAssert.assertClose(feed, before);
    ArrayAssert.assertClose(w.getArr(), parameter);
    ArrayAssert.assertClose(walked.get("same"), parameter.add(1));
    ArrayAssert.assertClose(walked.get("sum"), before.add(2));
    ArrayAssert.assertClose(walked.get("again"), before.add(2));
  }

  @Test
  void assignWritesToACopy() {
    SameDiff graph = SameDiff.create();
    SDVariable w = graph.var("w", Nd4j.createFromArray(1.0, 2.0));
    SDVariable x = graph.placeHolder("x", DataType.DOUBLE, 2);
    SDVariable assigned = graph.assign("assigned", w, x);
    assigned.mul("twice", 2);

    Map<String, INDArray> walked =
        ReferenceInterpreter.run(
            graph, Map.of("x", Nd4j.createFromArray(5.0, 6.0)), List.of("twice"));

    ArrayAssert.assertClose(walked.get("twice"), Nd4j.createFromArray(10.0, 12.0));
    ArrayAssert.assertClose(w.getArr(), Nd4j.createFromArray(1.0, 2.0));
  }

  @Test
  void refusesToWriteToAPartOfAVariable() {
    SameDiff graph = SameDiff.create();
    SDVariable w = graph.var("w", rand(4, 3));
    SDVariable view = new CreateView(graph, w, point(graph)).outputVariable();
    graph.assign("assigned", view, graph.constant(rand(3)));

    assertThatThrownBy(() -> ReferenceInterpreter.run(graph, Map.of(), List.of("assigned")))
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessageContaining("writes to a part of another variable");
  }

  @Test
  void readsAPartOfAVariable() {
    SameDiff graph = SameDiff.create();
    SDVariable w = graph.var("w", rand(4, 3));
    String row = new CreateView(graph, w, point(graph)).outputVariable().name();

    Map<String, INDArray> walked = ReferenceInterpreter.run(graph, Map.of(), List.of(row));

    ArrayAssert.assertClose(walked.get(row).reshape(3), w.getArr().getRow(1));
  }

  private static SDVariable[] point(SameDiff graph) {
    return new SDVariable[] {CreateView.createPoint(graph, 1)};
  }

  /** M2.1's op overwrites its input: in a session each evaluation sees a different image. */
  @Test
  void protectsAnInputThatTheOpOverwrites() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.DOUBLE, -1, 4, 4, 3);
    graph.image().adjustContrast("o", x, 1.5);
    INDArray feed = rand(2, 4, 4, 3);
    INDArray mean = feed.mean(true, 1, 2);
    INDArray expected = feed.sub(mean).mul(1.5).add(mean);

    for (int i = 0; i < 2; i++) {
      Map<String, INDArray> walked =
          ReferenceInterpreter.run(graph, Map.of("x", feed), List.of("o"));
      ArrayAssert.assertClose(walked.get("o"), expected);
    }
  }

  @Test
  void castsFeedsToThePlaceholdersType() {
    Map<String, INDArray> walked =
        ReferenceInterpreter.run(
            dense(), Map.of("x", rand(5, 4).castTo(DataType.FLOAT)), List.of("h"));

    assertThat(walked.get("h").dataType()).isEqualTo(DataType.DOUBLE);
  }

  @Test
  void namesThePlaceholderThatIsNotFed() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ReferenceInterpreter.run(dense(), Map.of(), List.of("loss")))
        .withMessage("The placeholder \"x\" is needed and not fed.");
  }

  @Test
  void refusesUnknownNames() {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> ReferenceInterpreter.run(dense(), Map.of("x", rand(5, 4)), List.of("nothing")))
        .withMessageContaining("\"nothing\"");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ReferenceInterpreter.run(dense(), Map.of("w", rand(4, 3)), List.of("w")))
        .withMessageContaining("\"w\" is fed");
  }

  @Test
  void namesTheControlFlowOp() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.DOUBLE, 2);
    SDVariable result = graph.ifCond(g -> x.sum().gt(0.0), g -> x.mul(2.0), g -> x.mul(3.0));

    assertThatThrownBy(
            () -> ReferenceInterpreter.run(graph, Map.of("x", rand(2)), List.of(result.name())))
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessageContaining("control flow")
        .hasMessageContaining("switch");
  }

  @Test
  void tellsTheVisitorEveryOp() {
    SameDiff graph = dense();
    List<String> seen = new ArrayList<>();
    ReferenceInterpreter.run(
        graph,
        Map.of("x", rand(5, 4)),
        List.of("rows"),
        (op, inputs, outputs) -> {
          assertThat(inputs).hasSameSizeAs(op.getInputsToOp());
          seen.addAll(op.getOutputsOfOp());
        });

    assertThat(seen).hasSize(5).endsWith("rows").doesNotContain("loss");
    Map<String, INDArray> all =
        ReferenceInterpreter.runAll(graph, Map.of("x", rand(5, 4)), List.of("rows", "w"));
    assertThat(all.keySet()).containsExactlyElementsOf(concat(seen, "w"));
  }

  private static List<String> concat(List<String> list, String last) {
    List<String> longer = new ArrayList<>(list);
    longer.add(last);
    return longer;
  }

  @Test
  void setsAxesAndScalarsOfLegacyOpsOnlyForTheRun() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.DOUBLE, -1, 4);
    SDVariable axis = graph.placeHolder("axis", DataType.INT32, -1);
    new Sum(graph, x, axis, false).outputVariables("sums");
    INDArray feed = rand(3, 4);

    Map<String, INDArray> columns =
        ReferenceInterpreter.run(
            graph, Map.of("x", feed, "axis", Nd4j.createFromArray(0)), List.of("sums"));
    Map<String, INDArray> rows =
        ReferenceInterpreter.run(
            graph, Map.of("x", feed, "axis", Nd4j.createFromArray(-1)), List.of("sums"));

    ArrayAssert.assertClose(columns.get("sums"), feed.sum(0));
    ArrayAssert.assertClose(rows.get("sums"), feed.sum(1));
    assertThat(graph.getOps().values().iterator().next().getOp().getDimensions()).isNull();
  }

  @Test
  void reducesAVectorOverAnAxisOfExtentOne() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.DOUBLE, -1, 4);
    graph.sum("sum", x, 0);
    graph.norm1("norm1", x, 0);
    graph.squaredNorm("squaredNorm", x, true, 0);
    graph.variance("variance", x, false, 0);
    INDArray feed = rand(1, 4);

    Map<String, INDArray> walked =
        ReferenceInterpreter.run(
            graph, Map.of("x", feed), List.of("sum", "norm1", "squaredNorm", "variance"));

    ArrayAssert.assertClose(walked.get("sum"), feed.reshape(4));
    ArrayAssert.assertClose(walked.get("norm1"), Nd4j.math().abs(feed).reshape(4));
    ArrayAssert.assertClose(walked.get("squaredNorm"), feed.mul(feed));
    ArrayAssert.assertClose(walked.get("variance"), Nd4j.zeros(DataType.DOUBLE, 4));
  }

  @Test
  void refusesAnEmptyConvolutionWhichWouldKillTheProcess() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.DOUBLE, -1, 2, 2, 3);
    SDVariable w = graph.var("w", rand(3, 3, 3, 4));
    SDVariable b = graph.var("b", rand(4));
    graph
        .cnn()
        .conv2d(
            "z",
            x,
            w,
            b,
            Conv2DConfig.builder()
                .kH(3)
                .kW(3)
                .dataFormat("NHWC")
                .paddingMode(PaddingMode.VALID)
                .build());

    assertThatThrownBy(
            () -> ReferenceInterpreter.run(graph, Map.of("x", rand(2, 2, 2, 3)), List.of("z")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("\"z\" (conv2d)")
        .hasMessageContaining("the result would be empty");
  }

  @Test
  void manyThreadsWalkOneGraph() throws Exception {
    SameDiff graph = dense();
    ExecutorService threads = Executors.newFixedThreadPool(4);
    List<Future<Map<String, INDArray>>> results = new ArrayList<>();
    List<INDArray> feeds = new ArrayList<>();
    for (int n = 1; n <= 100; n++) {
      INDArray feed = rand(1 + n % 7, 4);
      feeds.add(feed);
      results.add(
          threads.submit(
              () -> ReferenceInterpreter.run(graph, Map.of("x", feed), List.of("loss", "rows"))));
    }
    for (int i = 0; i < feeds.size(); i++) {
      Map<String, INDArray> alone =
          ReferenceInterpreter.run(graph, Map.of("x", feeds.get(i)), List.of("loss", "rows"));
      ArrayAssert.assertClose(results.get(i).get().get("loss"), alone.get("loss"));
      ArrayAssert.assertClose(results.get(i).get().get("rows"), alone.get("rows"));
    }
    threads.shutdown();
  }

  @Test
  void leavesNoTraceInTheGraph() {
    SameDiff graph = dense();
    Set<String> variables = new HashSet<>(graph.getVariables().keySet());
    Set<String> ops = new HashSet<>(graph.getOps().keySet());
    Set<Long> sessions = new HashSet<>(graph.getSessions().keySet());

    ReferenceInterpreter.run(graph, Map.of("x", rand(5, 4)), List.of("loss", "rows"));

    assertThat(graph.getVariables().keySet()).isEqualTo(variables);
    assertThat(graph.getOps().keySet()).isEqualTo(ops);
    assertThat(graph.getSessions().keySet()).isEqualTo(sessions);
  }

  @Test
  void walksADeepGraphInTheOrderInWhichItWasWritten() {
    SameDiff graph = chain(10_000);

    assertThat(ReferenceInterpreter.order(graph, List.of("h9999")))
        .containsExactlyElementsOf(graph.getOps().values());
    ArrayAssert.assertClose(
        ReferenceInterpreter.run(
                graph, Map.of("x", Nd4j.zeros(DataType.DOUBLE, 2)), List.of("h9999"))
            .get("h9999"),
        Nd4j.valueArrayOf(new long[] {2}, 10_000.0, DataType.DOUBLE));
  }

  /** {@code h<i> = h<i - 1> + 1}; SameDiff itself takes a quarter of a minute for ten thousand. */
  private static SameDiff chain(int length) {
    SameDiff graph = SameDiff.create();
    graph.placeHolder("x", DataType.DOUBLE, 2).add("h0", 1.0);
    SameDiffOp first = graph.getOps().values().iterator().next();
    for (int i = 1; i < length; i++) {
      DifferentialFunction op = OpFields.copy(first.getOp());
      op.setOwnName("op" + i);
      SDVariable h = new SDVariable("h" + i, VariableType.ARRAY, graph, null, DataType.DOUBLE);
      graph
          .getVariables()
          .put(
              h.name(),
              Variable.builder().name(h.name()).variable(h).outputOfOp(op.getOwnName()).build());
      graph
          .getOps()
          .put(
              op.getOwnName(),
              SameDiffOp.builder()
                  .name(op.getOwnName())
                  .op(op)
                  .inputsToOp(List.of("h" + (i - 1)))
                  .outputsOfOp(List.of(h.name()))
                  .build());
    }
    return graph;
  }

  @Test
  void ordersByDependencyWhereTheGraphWasRewired() {
    SameDiff graph = SameDiff.create();
    SDVariable x = graph.placeHolder("x", DataType.DOUBLE, 2);
    SDVariable doubled = x.mul(2.0);
    SDVariable late = graph.math().tanh(x);
    graph.getOps().values().stream()
        .filter(op -> op.getOutputsOfOp().contains(doubled.name()))
        .forEach(op -> graph.replaceArgFor(0, late, op.getOp()));

    Map<String, Integer> position = new HashMap<>();
    for (SameDiffOp op : ReferenceInterpreter.order(graph, List.of(doubled.name()))) {
      position.put(op.getOutputsOfOp().get(0), position.size());
    }

    assertThat(position).containsEntry(late.name(), 0).containsEntry(doubled.name(), 1);
  }

  /** Large weights must not be copied by each dry run; whoever asks for one gets a copy. */
  @Test
  void entrancesOfParametersAreNotCopied() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 3);
    SDVariable w = sd.var("w", Nd4j.rand(DataType.DOUBLE, 3, 4));
    x.mmul("y", w);
    InputReshapes.apply(sd);
    String entrance = InputReshapes.name("w");
    Map<String, INDArray> feeds = Map.of("x", Nd4j.rand(DataType.DOUBLE, 2, 3));
    List<INDArray> seen = new ArrayList<>();
    Map<String, INDArray> values =
        ReferenceInterpreter.run(
            sd,
            feeds,
            List.of("y", entrance),
            (op, inputs, outputs) -> {
              if (op.getOutputsOfOp().contains(entrance)) {
                seen.addAll(outputs);
              }
            });
    assertThat(seen).hasSize(1);
    assertThat(seen.get(0)).isSameAs(w.getArr());
    assertThat(values.get(entrance)).isEqualTo(w.getArr()).isNotSameAs(w.getArr());
  }
}
