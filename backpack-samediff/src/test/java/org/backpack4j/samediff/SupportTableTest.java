package org.backpack4j.samediff;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.loss.Losses;
import org.backpack4j.samediff.internal.rule.Rules;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.loss.LossReduce;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ops.impl.loss.SoftmaxCrossEntropyWithLogitsLoss;
import org.nd4j.linalg.api.ops.impl.loss.WeightedCrossEntropyLoss;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Holds the tables of docs/support.md to what the code does: every loss is extended by every
 * extension, and every op is looked up. {@code -Dsupport.write=true} writes the page.
 */
class SupportTableTest {

  private static final Path PAGE = Path.of("..", "docs", "support.md");
  private static final String HEAD =
      """
# What is supported

Made from the code by `SupportTableTest`; every mark of the first table is a graph that was extended.

""";

  /** A loss of predictions and labels [N, 4], in a graph that is at hand. */
  private interface Loss {
    SDVariable of(SameDiff sd, SDVariable labels, SDVariable predictions);
  }

  private static final Map<String, Loss> LOSSES = losses();

  private static Map<String, Loss> losses() {
    Map<String, Loss> t = new TreeMap<>();
    t.put("absolute_difference_loss", (sd, y, z) -> sd.loss().absoluteDifference(y, z, null));
    t.put("cosine_distance_loss", (sd, y, z) -> sd.loss().cosineDistance(y, z, null, 1));
    t.put("hinge_loss", (sd, y, z) -> sd.loss().hingeLoss(y, z, null));
    t.put("huber_loss", (sd, y, z) -> sd.loss().huberLoss(y, z, null, 1));
    t.put("l2_loss", (sd, y, z) -> sd.loss().l2Loss(z));
    t.put("log_loss", (sd, y, z) -> sd.loss().logLoss(y, sd.nn().sigmoid(z)));
    t.put("log_poisson_loss", (sd, y, z) -> sd.loss().logPoisson(y, z, null, false));
    t.put("mean_pairwssqerr_loss", (sd, y, z) -> sd.loss().meanPairwiseSquaredError(y, z, null));
    t.put("mean_sqerr_loss", (sd, y, z) -> sd.loss().meanSquaredError(y, z, null));
    t.put("sigm_cross_entropy_loss", (sd, y, z) -> sd.loss().sigmoidCrossEntropy(y, z, null));
    t.put("softmax_cross_entropy_loss", (sd, y, z) -> sd.loss().softmaxCrossEntropy(y, z, null));
    t.put(
        "softmax_cross_entropy_loss_with_logits",
        (sd, y, z) -> new SoftmaxCrossEntropyWithLogitsLoss(sd, z, y, -1).outputVariable().mean());
    t.put(
        "sparse_softmax_cross_entropy_loss_with_logits",
        (sd, y, z) -> sd.loss().sparseSoftmaxCrossEntropy(z, y.argmax(1)).mean());
    t.put(
        "weighted_cross_entropy_with_logits",
        (sd, y, z) ->
            // the class hands its arguments over in another order than it names them
            new WeightedCrossEntropyLoss(sd, LossReduce.SUM, y, z, sd.constant(Nd4j.scalar(2.0)))
                .outputVariable()
                .mean());
    return t;
  }

  @Test
  void thePageIsWhatTheCodeDoes() throws Exception {
    String page =
        HEAD
            + "## Losses\n\n"
            + lossTable()
            + "\n"
            + "`·` is refused by name. Losses may be scaled, summed, weighted and smoothed; one"
            + " that is written out of simple ops needs its predictions named (second-order"
            + " quantities).\n\n"
            + "## Ops, by what passes cotangents through them\n\n"
            + "A rule is written once, for the gradient and for any number of columns: an op of"
            + " this table takes every extension, in the configurations that its rule covers;"
            + " others are refused by name. The mark says that the rule knows a second derivative"
            + " as well, which an op needs between named predictions and a loss that is written out"
            + " (FlatRule and IndexRule have no derivative, and need none).\n\n"
            + opTable();
    if (Boolean.getBoolean("support.write")) {
      Files.writeString(PAGE, page);
    }
    assertThat(Files.readString(PAGE))
        .as("docs/support.md is stale: run this test with -Dsupport.write=true")
        .isEqualTo(page);
  }

  // ---- losses × extensions ----

  private static String lossTable() throws Exception {
    assertThat(LOSSES.keySet()).isEqualTo(Losses.table().keySet());
    List<Extension> extensions = extensions();
    StringBuilder table = new StringBuilder("| loss op |");
    extensions.forEach(e -> table.append(" ").append(name(e)).append(" |"));
    table.append("\n| --- |").append(" :-: |".repeat(extensions.size())).append('\n');
    LOSSES.forEach(
        (op, loss) -> {
          List<String> outputs = outputs(loss, extensions);
          table.append("| `").append(op).append("` |");
          extensions.forEach(e -> table.append(isIn(outputs, e) ? " ✓ |" : " · |"));
          table.append('\n');
        });
    return table.toString();
  }

  /** Whether a quantity is among the outputs, or its factors are. */
  private static boolean isIn(List<String> outputs, Extension extension) {
    if (extension.ofPredictions()) {
      return outputs.stream().anyMatch(o -> o.endsWith("." + extension.field()));
    }
    String name = "w." + extension.field();
    return outputs.stream().anyMatch(o -> o.equals(name) || o.startsWith(name + "."));
  }

  private static String name(Extension extension) {
    return extension.getClass().getSimpleName();
  }

  private static List<String> outputs(Loss loss, List<Extension> extensions) {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 3);
    SDVariable y = sd.placeHolder("y", DataType.DOUBLE, -1, 4);
    SDVariable w = sd.var("w", Nd4j.ones(DataType.DOUBLE, 3, 4));
    sd.setLossVariables(loss.of(sd, y, x.mmul(w)));
    try (ExtendedGraph graph =
        BackPack.on(sd).lenient().extend(extensions.toArray(Extension[]::new))) {
      assertThat(graph.outputNames()).contains("w.grad");
      return graph.outputNames();
    }
  }

  /** Every extension that there is, with its standard settings. */
  private static List<Extension> extensions() throws Exception {
    Path folder =
        Path.of(Extension.class.getProtectionDomain().getCodeSource().getLocation().toURI())
            .resolve(Extension.class.getPackageName().replace('.', '/'));
    List<Extension> found = new ArrayList<>();
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.sorted().toList()) {
        String simple = file.getFileName().toString().replaceFirst("\\.class$", "");
        Class<?> type = Class.forName(Extension.class.getPackageName() + "." + simple);
        if (Extension.class.isAssignableFrom(type)
            && !Modifier.isAbstract(type.getModifiers())
            && Modifier.isPublic(type.getModifiers())) {
          found.add((Extension) type.getConstructor().newInstance());
        }
      }
    }
    assertThat(found).hasSizeGreaterThan(6);
    found.sort(Comparator.comparing(e -> e.columns().secondOrder()));
    return found;
  }

  // ---- ops ----

  private static String opTable() throws IOException {
    Map<String, List<String>> ops = new TreeMap<>();
    Map<String, Rule> rules = new TreeMap<>();
    Rules.all()
        .forEach(
            (op, rule) -> {
              String type = rule.getClass().getSimpleName();
              ops.computeIfAbsent(type, t -> new ArrayList<>()).add("`" + op + "`");
              rules.put(type, rule);
            });
    return "| rule | ops | in a loss written out |\n| --- | --- | :-: |\n"
        + ops.entrySet().stream()
            .map(
                e ->
                    "| "
                        + e.getKey()
                        + " | "
                        + String.join(", ", e.getValue())
                        + " | "
                        + (knowsItsCurvature(rules.get(e.getKey()).getClass()) ? "✓" : "")
                        + " |\n")
            .collect(Collectors.joining());
  }

  /** Whether a rule says something of its second derivative: that it is none, or what it is. */
  private static boolean knowsItsCurvature(Class<?> rule) {
    return Stream.of("curvature", "linear")
        .anyMatch(
            name ->
                Arrays.stream(rule.getMethods())
                    .anyMatch(
                        m -> m.getName().equals(name) && m.getDeclaringClass() != Rule.class));
  }
}
