package org.backpack4j.samediff.internal.evaluate;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.backpack4j.samediff.Refusal;
import org.backpack4j.samediff.UnsupportedGraphException;
import org.backpack4j.samediff.dataset.BatchWeights;
import org.backpack4j.samediff.internal.autodiff.Annotations;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.ir.Node;
import org.backpack4j.samediff.internal.ir.Normaliser;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * How the losses are made of sums over samples: each is Σ Sₖ/Dₖ + r/D, the Sₖ sums of what each
 * sample gives by itself, the D sums over samples that no parameter acts on, r of parameters alone.
 * What is not of this form cannot be had from batches; then the node is known that stands in the
 * way.
 */
public final class LossParts implements BatchWeights {
  private final Map<String, Set<Summand>> losses = new LinkedHashMap<>();
  private final Normaliser data;
  private final Normaliser penalty;

  /**
   * Finds the parts.
   *
   * @param graph the graph that was extended
   * @param rules the rules of its nodes
   * @param places what a person knows a node by, by the name of its first result
   * @param lossVariables the losses
   * @throws UnsupportedGraphException if the losses are not of that form, or divide by several
   *     normalisers
   */
  public LossParts(
      Annotations graph,
      Map<Node, Rule> rules,
      UnaryOperator<String> places,
      List<String> lossVariables) {
    SummandAnalysis analysis = new SummandAnalysis(graph, rules, places);
    List<Refusal> refusals = new ArrayList<>();
    for (String loss : lossVariables) {
      Summands state = analysis.of(loss);
      Refusal obstacle = state.obstacle();
      if (obstacle != null) {
        refusals.add(obstacle);
      } else if (state.has(Summand.Kind.NUMBERS)) {
        refusals.add(
            refusal(
                "\"" + loss + "\"",
                "it is made of the number of samples",
                SummandAnalysis.SUM_REMEDY));
      }
      losses.put(loss, state.forms());
    }
    if (!refusals.isEmpty()) {
      throw new UnsupportedGraphException(refusals);
    }
    data = normaliser(f -> f.kind() != Summand.Kind.FREE, "sums over samples");
    penalty = normaliser(f -> f.kind() == Summand.Kind.FREE, "penalties");
  }

  /** What all forms of a kind, on which parameters act, are divided by. */
  private Normaliser normaliser(Predicate<Summand> of, String what) {
    Map<Normaliser, Set<String>> found = new LinkedHashMap<>();
    losses.forEach(
        (loss, forms) ->
            forms.stream()
                .filter(f -> !f.fixed() && of.test(f))
                .forEach(f -> found.computeIfAbsent(f.by(), n -> new TreeSet<>()).add(loss)));
    if (found.size() > 1) {
      String all =
          found.entrySet().stream()
              .map(e -> String.join(", ", e.getValue()) + " by " + e.getKey())
              .collect(Collectors.joining("; "));
      throw new UnsupportedGraphException(
          List.of(
              refusal(
                  "the losses",
                  "their " + what + " are divided by different things: " + all,
                  "give all losses the same reduction, such as LossReduce.SUM, or gather over one"
                      + " at a time (BackPack.on(…).losses(…)) and add linear quantities up")));
    }
    return found.isEmpty() ? Normaliser.NONE : found.keySet().iterator().next();
  }

  private static Refusal refusal(String node, String reason, String remedy) {
    return new Refusal(Refusal.EVERYTHING, node, reason, remedy);
  }

  /**
   * What the losses' sums over samples are divided by.
   *
   * @return the normaliser
   */
  public Normaliser normaliser() {
    return data;
  }

  @Override
  public Set<String> variables() {
    Set<String> variables = new TreeSet<>();
    for (Normaliser by : List.of(data, penalty)) {
      variables.add(by.variable());
    }
    losses.forEach((loss, forms) -> variables.add(weight(forms).variable()));
    variables.remove("");
    return variables;
  }

  @Override
  public double data(long samples, Map<String, INDArray> values) {
    return value(data, samples, values);
  }

  @Override
  public double penalty(long samples, Map<String, INDArray> values) {
    return value(penalty, samples, values);
  }

  @Override
  public double loss(String loss, long samples, Map<String, INDArray> values) {
    Set<Summand> forms = forms(loss);
    Normaliser by = weight(forms);
    boolean free = forms.stream().anyMatch(f -> f.kind() == Summand.Kind.FREE);
    boolean averaged =
        forms.stream()
            .allMatch(f -> f.kind() == Summand.Kind.FREE ? f.undivided() : f.by().equals(by));
    return averaged && !(free && by.equals(Normaliser.NONE))
        ? value(by, samples, values)
        : Double.NaN;
  }

  @Override
  public boolean sums() {
    return data.equals(Normaliser.NONE);
  }

  @Override
  public boolean sumsPenalties() {
    return penalty.equals(Normaliser.NONE);
  }

  @Override
  public boolean counted() {
    return data.variable().isEmpty();
  }

  @Override
  public boolean sums(String loss) {
    return weight(forms(loss)).equals(Normaliser.NONE);
  }

  private Set<Summand> forms(String loss) {
    return Objects.requireNonNull(losses.get(loss), loss);
  }

  /** What a loss is divided by; of one that is the same for every batch any weight will do. */
  private static Normaliser weight(Set<Summand> forms) {
    return forms.stream()
        .filter(f -> f.kind() != Summand.Kind.FREE)
        .map(Summand::by)
        .findFirst()
        .orElse(Normaliser.SAMPLES);
  }

  private static double value(Normaliser by, long samples, Map<String, INDArray> values) {
    return switch (by.kind()) {
      case NONE -> 1;
      case SAMPLES -> samples;
      case SUM -> array(by, values).sumNumber().doubleValue();
      case NONZERO -> array(by, values).neq(0).castTo(DataType.DOUBLE).sumNumber().doubleValue();
    };
  }

  private static INDArray array(Normaliser by, Map<String, INDArray> values) {
    INDArray value = values.get(by.variable());
    if (value == null) {
      throw new IllegalArgumentException("\"" + by.variable() + "\" was not evaluated.");
    }
    return value.castTo(DataType.DOUBLE);
  }
}
