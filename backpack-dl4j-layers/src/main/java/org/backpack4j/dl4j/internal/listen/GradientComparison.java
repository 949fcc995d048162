package org.backpack4j.dl4j.internal.listen;

import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.backpack4j.dl4j.internal.convert.BatchShape;
import org.backpack4j.dl4j.internal.listen.Verdict.Kind;
import org.deeplearning4j.nn.api.Model;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The gradient of our graph must be the one that DL4J has just computed: the cheapest of all
 * checks, and one that sees whatever the conversion may have overlooked.
 *
 * <p>Each parameter is compared by itself, so that a large layer hides no small one, and as exactly
 * as what was added up allows ({@link GradientSummands}). Where two gradients differ, it is found
 * out why: outputs that DL4J clips ({@link ClippedOutputs}) are put into our graph as well; of all
 * else a {@link SecondOpinion} is asked for. What it said holds for the network's later iterations,
 * until a difference is much larger than the one that it was asked about.
 */
public final class GradientComparison {
  private static final Logger log = LoggerFactory.getLogger(GradientComparison.class);

  /** So far from DL4J's the gradient may be without a word in single precision. */
  static final double SMALL = 1e-2;

  /** What fails in single precision if it cannot be found out why. */
  private static final double LARGE = 0.1;

  private static final double IN_DOUBLE = 1e-6;

  private final ListenerSettings settings;

  /** What a failure's last sentence is. */
  private final String remedy;

  /** Whether it has to be DL4J's, be that right or wrong. */
  private final boolean strict;

  private final Map<Asked, Remembered> verdicts = new HashMap<>();
  private WeakReference<@Nullable Model> known = new WeakReference<>(null);
  private boolean warned;

  private record Asked(BatchShape shape, String parameter) {}

  private record Group(Kind kind, String why) {}

  /** What was found out, and about how large a difference. */
  private static final class Remembered {
    /** So much larger a difference may be before it is looked at again. */
    private static final double MORE = 4;

    private final Verdict verdict;
    private final GradientDistance distance;

    /** For how many iterations a failure holds: it may have been that batch's. */
    private final int patience;

    private int uses;

    Remembered(Verdict verdict, GradientDistance distance, @Nullable Remembered before) {
      this.verdict = verdict;
      this.distance = distance;
      this.patience = before == null ? 1 : 2 * before.patience;
    }

    boolean holdsFor(GradientDistance other) {
      return switch (verdict.kind()) {
        case OURS -> other.apart() == 0;
        case ROUNDING ->
            other.relative() <= MORE * distance.relative() || other.within(MORE * distance.off());
        case UNDECIDED, NOT_OURS -> uses++ < patience;
      };
    }
  }

  /**
   * A comparison.
   *
   * @param settings the scale of our gradient, and how far it may be from DL4J's
   */
  GradientComparison(ListenerSettings settings) {
    this(settings, "gradientTolerance(…) lets it pass.", false);
  }

  private GradientComparison(ListenerSettings settings, String remedy, boolean strict) {
    this.settings = settings;
    this.remedy = remedy;
    this.strict = strict;
  }

  /**
   * A comparison for who goes on with our gradient in the place of DL4J's: one that is known to be
   * right where DL4J's is wrong fails as well.
   *
   * @param settings the scale of our gradient, and how far it may be from DL4J's
   * @param remedy what to do where they differ, a sentence
   * @return the comparison
   */
  public static GradientComparison strict(ListenerSettings settings, String remedy) {
    return new GradientComparison(settings, remedy, true);
  }

  /**
   * Compares.
   *
   * @param compared the iteration
   * @return notes on gradients that are not DL4J's; the first is logged as well
   * @throws IllegalStateException if one is not DL4J's, and it is not known to be right
   */
  public List<String> compare(ComparedIteration compared) {
    Map<String, GradientDistance> far = far(compared, compared.results(), unexplained(compared));
    if (far.isEmpty()) {
      return List.of();
    }
    Map<String, Verdict> found = new LinkedHashMap<>();
    Map<String, GradientDistance> open = new LinkedHashMap<>(far);
    Double chosen = settings.gradientTolerance();
    if (chosen != null) {
      open.values().removeIf(d -> d.relative() <= chosen);
    }
    if (!open.isEmpty()) {
      clipped(compared, open, found);
      remembered(compared, open, found);
    }
    return told(compared, far, found, failing(compared, far, found));
  }

  private double unexplained(ComparedIteration compared) {
    double silent = compared.isDouble() ? IN_DOUBLE : SMALL;
    Double chosen = settings.gradientTolerance();
    return chosen == null ? silent : Math.min(SMALL, chosen);
  }

  private static Map<String, GradientDistance> far(
      ComparedIteration compared, Map<String, INDArray> results, double tolerance) {
    Map<String, GradientDistance> far = new LinkedHashMap<>();
    GradientSummands summands = null;
    for (Map.Entry<String, INDArray> e : compared.theirs().entrySet()) {
      INDArray ours = results.get(e.getKey() + ".grad");
      if (ours == null) {
        continue;
      }
      GradientDistance distance = GradientDistance.between(e.getValue(), ours, compared.factor());
      if (distance.relative() > tolerance) {
        if (summands == null) {
          summands = compared.summands(compared.theirs(), compared.epsilon());
        }
        if (!distance.within(summands.rounding(e.getKey()))) {
          far.put(e.getKey(), distance);
        }
      }
    }
    return far;
  }

  /** Where DL4J clips outputs, our graph can be had do so as well. */
  private void clipped(
      ComparedIteration compared, Map<String, GradientDistance> open, Map<String, Verdict> found) {
    ClippedOutputs.in(compared.net(), compared.converted(), compared.feeds())
        .ifPresent(
            clipped -> {
              List<String> names = open.keySet().stream().map(p -> p + ".grad").toList();
              Map<String, INDArray> results = compared.graph().output(clipped.feeds(), names);
              double tolerance = compared.isDouble() ? IN_DOUBLE : SMALL;
              Map<String, GradientDistance> still = far(compared, results, tolerance);
              open.keySet().stream()
                  .filter(p -> !still.containsKey(p))
                  .forEach(p -> found.put(p, clipped.verdict(compared.batch().samples())));
              open.keySet().retainAll(still.keySet());
            });
  }

  private void remembered(
      ComparedIteration compared, Map<String, GradientDistance> open, Map<String, Verdict> found) {
    if (known.get() != compared.net()) {
      verdicts.clear();
      known = new WeakReference<>(compared.net());
    }
    BatchShape shape = compared.batch().shape();
    boolean ask = false;
    for (Map.Entry<String, GradientDistance> e : open.entrySet()) {
      Remembered remembered = verdicts.get(new Asked(shape, e.getKey()));
      ask |= remembered == null || !remembered.holdsFor(e.getValue());
    }
    if (ask) {
      SecondOpinion.ask(compared, open, settings)
          .forEach(
              (parameter, verdict) ->
                  verdicts.compute(
                      new Asked(shape, parameter),
                      (asked, before) ->
                          new Remembered(
                              verdict, Objects.requireNonNull(open.get(parameter)), before)));
    }
    for (String parameter : open.keySet()) {
      Remembered remembered = verdicts.get(new Asked(shape, parameter));
      found.put(parameter, Objects.requireNonNull(remembered).verdict);
    }
  }

  private boolean failing(
      ComparedIteration compared, Map<String, GradientDistance> far, Map<String, Verdict> found) {
    Double chosen = settings.gradientTolerance();
    double large = chosen != null ? chosen : compared.isDouble() ? IN_DOUBLE : LARGE;
    return found.entrySet().stream()
        .anyMatch(
            e ->
                switch (e.getValue().kind()) {
                  case OURS -> strict;
                  case ROUNDING -> chosen != null;
                  case NOT_OURS -> true;
                  case UNDECIDED -> Objects.requireNonNull(far.get(e.getKey())).relative() > large;
                });
  }

  private List<String> told(
      ComparedIteration compared,
      Map<String, GradientDistance> far,
      Map<String, Verdict> found,
      boolean failing) {
    Map<Group, List<String>> groups = new LinkedHashMap<>();
    far.forEach(
        (parameter, distance) -> {
          Verdict verdict = found.get(parameter);
          Group group =
              verdict == null
                  ? new Group(Kind.UNDECIDED, letPass(compared, parameter))
                  : new Group(verdict.kind(), verdict.why());
          groups.computeIfAbsent(group, g -> new ArrayList<>()).add(parameter);
        });
    List<String> notes = new ArrayList<>();
    groups.forEach((group, parameters) -> notes.add(note(group, parameters, far, found)));
    if (failing) {
      throw new IllegalStateException(String.join(" ", notes) + " " + remedy);
    }
    if (!warned) {
      warned = true;
      log.warn("{} It is logged once; the steps' notes tell of it each time.", notes.get(0));
    }
    return notes;
  }

  private static String letPass(ComparedIteration compared, String parameter) {
    return "gradientTolerance(…) lets it pass." + SecondOpinion.known(compared, parameter);
  }

  private static String note(
      Group group,
      List<String> parameters,
      Map<String, GradientDistance> far,
      Map<String, Verdict> found) {
    String worst = parameters.get(0);
    for (String parameter : parameters) {
      if (relative(far, parameter) > relative(far, worst)) {
        worst = parameter;
      }
    }
    int others = parameters.size() - 1;
    Verdict verdict = found.get(worst);
    return "The gradient of \"%s\"%s is %s. %s %s"
        .formatted(
            worst,
            others == 0 ? "" : " (the worst of %d parameters)".formatted(others + 1),
            Objects.requireNonNull(far.get(worst)).told(),
            verdict == null ? "" : verdict.numbers(),
            group.why())
        .replaceAll(" +", " ")
        .strip();
  }

  private static double relative(Map<String, GradientDistance> far, String parameter) {
    return Objects.requireNonNull(far.get(parameter)).relative();
  }
}
