package org.backpack4j.dl4j.internal.listen;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.backpack4j.dl4j.BatchStatistics;
import org.backpack4j.dl4j.Scale;
import org.backpack4j.dl4j.internal.NetworkConverter;
import org.backpack4j.dl4j.internal.convert.ConvertedGraph;
import org.backpack4j.dl4j.internal.convert.IterationState;
import org.backpack4j.dl4j.internal.convert.NetworkBatch;
import org.backpack4j.dl4j.internal.convert.NetworkConversion;
import org.backpack4j.dl4j.internal.convert.Peculiarities;
import org.backpack4j.dl4j.internal.listen.Verdict.Kind;
import org.backpack4j.samediff.ExtendedGraph;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Finds out why a gradient is not DL4J's, on a copy of the network in double precision and a
 * conversion of that copy:
 *
 * <ol>
 *   <li>If the two agree there, the difference was rounding. So it was if the gradient changes as
 *       much when inputs and parameters are changed in their last digits.
 *   <li>If not, the network's score decides: along the difference of the two gradients it changes
 *       as the one says, or as the other one does, or as neither.
 * </ol>
 *
 * <p>What DL4J has drawn it cannot be had draw again. Then only ours is computed once more.
 *
 * <p>All of it runs in a thread of its own, which has its own random numbers and workspaces, so
 * that training does not notice.
 */
final class SecondOpinion {
  /** So near two gradients in double precision are the same; DL4J gathers some in single. */
  private static final double SAME = 1e-5;

  private static final double SAME_IN_DOUBLE = 1e-6;

  /** Rounding may be so many times what a change of the last digits does. */
  private static final double PERTURBED = 30;

  /** So far from its value in double precision a gradient has to be shown to be rounding. */
  private static final double FAR = 0.1;

  /** So far DL4J's: ours is in its place only where the two are the same. */
  private static final double FAR_OF_DL4J = 0.01;

  private static final int PERTURBATIONS = 2;

  /** The steps along a direction, relative to the parameter's norm. */
  private static final double STEP = 1e-5;

  /** So exactly the score has to follow our gradient, relative to the difference from DL4J's. */
  private static final double FOLLOWS = 1e-3;

  /** So many directions are tried at most; of more parameters, several have one in common. */
  private static final int DIRECTIONS = 16;

  private final ComparedIteration compared;
  private final Map<String, GradientDistance> far;
  private final DoubleNetwork copy;
  private final NetworkBatch batch;
  private final ConvertedGraph converted;
  private final Map<String, INDArray> plain;

  /** The feeds with what DL4J's clipping makes of the labels. */
  private final Map<String, INDArray> feeds;

  private final Map<String, Verdict> verdicts = new LinkedHashMap<>();
  private final Map<String, Double> moved = new LinkedHashMap<>();

  /**
   * Asks.
   *
   * @param compared the iteration
   * @param far the gradients that are not DL4J's
   * @param settings what the person chose
   * @return what was found out about each of them
   */
  static Map<String, Verdict> ask(
      ComparedIteration compared, Map<String, GradientDistance> far, ListenerSettings settings) {
    FutureTask<Map<String, Verdict>> task =
        new FutureTask<>(() -> new SecondOpinion(compared, far, settings).decide());
    Thread thread = new Thread(task, "backpack-second-opinion");
    thread.setDaemon(true);
    thread.start();
    try {
      return task.get();
    } catch (ExecutionException e) {
      return undecided(far, "trying it in double precision failed: " + e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return undecided(far, "the thread was interrupted");
    }
  }

  private static Map<String, Verdict> undecided(Map<String, GradientDistance> far, String reason) {
    Map<String, Verdict> verdicts = new LinkedHashMap<>();
    far.keySet().forEach(p -> verdicts.put(p, undecided(reason)));
    return verdicts;
  }

  private static Verdict undecided(String reason) {
    return new Verdict(
        Kind.UNDECIDED, "Whether it is rounding could not be found out: " + reason + ".", "");
  }

  private SecondOpinion(
      ComparedIteration compared, Map<String, GradientDistance> far, ListenerSettings settings) {
    this.compared = compared;
    this.far = far;
    copy = new DoubleNetwork(compared.net());
    batch = DoubleNetwork.own(compared.batch());
    converted =
        NetworkConverter.convert(
            copy.model(),
            batch.shape().with(compared.given().shapes(batch.samples())),
            new NetworkConversion.Choices(
                Scale.SUM, BatchStatistics.BATCH, true, settings.lenient(), settings.converters()));
    plain = converted.feeds(batch);
    converted.add(own(compared.given()), plain, new HashMap<>());
    feeds =
        ClippedOutputs.in(copy.model(), converted, plain).map(ClippedOutputs::feeds).orElse(plain);
  }

  private static IterationState own(IterationState given) {
    return new IterationState(
        own(given.noise()), own(given.parameters()), own(given.activations()), given.generator());
  }

  private static Map<String, INDArray> own(Map<String, INDArray> arrays) {
    Map<String, INDArray> own = new LinkedHashMap<>();
    arrays.forEach((name, array) -> own.put(name, array.castTo(DataType.DOUBLE)));
    return own;
  }

  private Map<String, Verdict> decide() {
    try (ExtendedGraph graph = converted.backPack(far::containsKey).lenient().extend()) {
      Map<String, INDArray> ours = gradient(graph, feeds);
      if (compared.canBeRepeated()) {
        decide(graph, ours);
      } else {
        decideByOurs(graph, ours);
      }
    }
    far.keySet()
        .forEach(p -> verdicts.computeIfAbsent(p, q -> undecided("it has no gradient there")));
    return verdicts;
  }

  /** Our gradient, by the parameters' names. */
  private Map<String, INDArray> gradient(ExtendedGraph graph, Map<String, INDArray> fed) {
    Map<String, INDArray> gradient = new LinkedHashMap<>();
    List<String> names = far.keySet().stream().map(p -> p + ".grad").toList();
    List<String> known = names.stream().filter(graph.outputNames()::contains).toList();
    graph
        .output(fed, known)
        .forEach((name, array) -> gradient.put(name.substring(0, name.length() - 5), array));
    return gradient;
  }

  // ---- both in double precision ----

  private void decide(ExtendedGraph graph, Map<String, INDArray> ours) {
    copy.compute(batch);
    Map<String, INDArray> theirs = copy.gradient();
    GradientSummands summands = compared.summands(theirs, Math.ulp(1.0));
    Map<String, GradientDistance> apart = new LinkedHashMap<>();
    ours.forEach(
        (parameter, gradient) -> {
          INDArray other = theirs.get(parameter);
          if (other != null) {
            GradientDistance distance = GradientDistance.between(other, gradient, 1);
            double same = compared.isDouble() ? SAME_IN_DOUBLE : SAME;
            if (distance.relative() <= same || distance.within(summands.rounding(parameter))) {
              verdicts.put(parameter, rounding(parameter, distance, other, gradient));
            } else {
              apart.put(parameter, distance);
            }
          }
        });
    checkSinglePrecision(graph, ours);
    checkTheirsInSingle(graph, ours, theirs);
    if (!apart.isEmpty()) {
      Map<String, Double> rounding = perturbed(graph, ours);
      apart
          .entrySet()
          .removeIf(
              e -> {
                boolean small =
                    e.getValue()
                        .within(PERTURBED * Objects.requireNonNull(rounding.get(e.getKey())));
                if (small) {
                  verdicts.put(e.getKey(), unstable(e.getKey(), ours, rounding));
                }
                return small;
              });
      apart
          .entrySet()
          .removeIf(
              e -> {
                boolean strange = e.getValue().apart() > 0;
                if (strange) {
                  INDArray own = Objects.requireNonNull(ours.get(e.getKey()));
                  verdicts.put(e.getKey(), notFinite(e.getKey(), own));
                }
                return strange;
              });
      askTheScore(apart, ours, theirs);
    }
  }

  /**
   * One of the two has entries that are no numbers. Where inputs and parameters are finite, so is
   * the gradient: ours, if it is and its own loss changes as it says.
   */
  private Verdict notFinite(String parameter, INDArray gradient) {
    double norm = GradientDistance.norm(gradient);
    boolean given =
        isFinite(copy.model().params()) && feeds.values().stream().allMatch(this::isFinite);
    if (given && Double.isFinite(norm)) {
      // along a gradient of zero nothing would be tried: any other direction has to be flat
      INDArray direction =
          norm > 0
              ? gradient.div(norm)
              : Nd4j.onesLike(gradient).divi(Math.sqrt(gradient.length()));
      double slope = ownSlope(parameter, direction);
      if (Math.abs(slope - norm) <= FOLLOWS * Math.max(norm, FOLLOWS)) {
        return new Verdict(
            Kind.OURS,
            "DL4J's gradient has entries that are no numbers, in double precision as well, of"
                + " inputs and parameters that are.",
            "Ours has the norm %.4g, and its loss changes along it by %.4g."
                .formatted(norm, slope));
      }
    }
    return notOurs("In double precision it is so as well.", parameter);
  }

  private boolean isFinite(INDArray array) {
    return !array.dataType().isFPType()
        || Double.isFinite(array.castTo(DataType.DOUBLE).norm1Number().doubleValue());
  }

  /** The derivative of our own loss along a direction, by central differences. */
  private double ownSlope(String parameter, INDArray direction) {
    INDArray array = copy.parameter(parameter);
    INDArray kept = array.dup();
    double step = STEP * Math.max(0.1, GradientDistance.norm(array));
    INDArray change = direction.reshape(array.shape()).mul(step);
    array.addi(change);
    double above = converted.loss(feeds);
    array.assign(kept).subi(change);
    double below = converted.loss(feeds);
    array.assign(kept);
    return (above - below) / (2 * step);
  }

  /** That the conversion is right does not make rounding of whatever its graph answers. */
  private void checkSinglePrecision(ExtendedGraph graph, Map<String, INDArray> ours) {
    List<String> doubtful =
        compared.isDouble()
            ? List.of()
            : verdicts.keySet().stream()
                .filter(p -> oursInSingle(p, Objects.requireNonNull(ours.get(p))).relative() > FAR)
                .toList();
    if (doubtful.isEmpty()) {
      return;
    }
    perturbed(graph, ours);
    GradientSummands summands = compared.summands(compared.theirs(), compared.epsilon());
    for (String p : doubtful) {
      GradientDistance distance = oursInSingle(p, Objects.requireNonNull(ours.get(p)));
      double rounding =
          Math.max(PERTURBED * Objects.requireNonNull(moved.get(p)), summands.rounding(p));
      if (!distance.within(rounding)) {
        verdicts.put(
            p,
            new Verdict(
                Kind.NOT_OURS,
                "In double precision it is DL4J's.",
                "Ours is off by %.1e from what it is in double precision, of which %.1e could be rounding."
                    .formatted(distance.off(), rounding)));
      }
    }
  }

  /** Nor whatever DL4J's layers answer: M2.1 has ops that are right in double precision alone. */
  private void checkTheirsInSingle(
      ExtendedGraph graph, Map<String, INDArray> ours, Map<String, INDArray> theirs) {
    List<String> doubtful =
        compared.isDouble()
            ? List.of()
            : verdicts.keySet().stream()
                .filter(p -> Objects.requireNonNull(verdicts.get(p)).kind() == Kind.ROUNDING)
                .filter(p -> theirsInSingle(p, Objects.requireNonNull(theirs.get(p))) > FAR_OF_DL4J)
                .toList();
    if (doubtful.isEmpty()) {
      return;
    }
    perturbed(graph, ours);
    GradientSummands summands = compared.summands(compared.theirs(), compared.epsilon());
    for (String p : doubtful) {
      INDArray exact = Objects.requireNonNull(theirs.get(p));
      GradientDistance distance = GradientDistance.between(exact, inDouble(p, exact), 1);
      double rounding =
          Math.max(PERTURBED * Objects.requireNonNull(moved.get(p)), summands.rounding(p));
      if (!distance.within(rounding)) {
        verdicts.put(
            p,
            new Verdict(
                Kind.OURS,
                "In double precision the two agree. DL4J's is wrong in single precision, ours is"
                    + " right: M2.1's derivative of a softmax function in a hidden layer is known"
                    + " to be so.",
                "DL4J's is off by %.1e from what it is in double precision, of which %.1e could be rounding."
                    .formatted(distance.off(), rounding)));
      }
    }
  }

  private Verdict rounding(
      String parameter, GradientDistance inDouble, INDArray theirs, INDArray ours) {
    if (compared.isDouble()) {
      return new Verdict(Kind.ROUNDING, "It is rounding: computed again, the two agree.", "");
    }
    return new Verdict(
        Kind.ROUNDING,
        "It is rounding.",
        "In double precision the two agree to %.1e; in single precision DL4J's is off from that by %.1e, ours by %.1e."
            .formatted(
                inDouble.relative(),
                theirsInSingle(parameter, theirs),
                oursInSingle(parameter, ours).relative()));
  }

  private double theirsInSingle(String parameter, INDArray exact) {
    return GradientDistance.between(exact, inDouble(parameter, exact), 1).relative();
  }

  private INDArray inDouble(String parameter, INDArray like) {
    INDArray theirs = Objects.requireNonNull(compared.theirs().get(parameter));
    return theirs.castTo(DataType.DOUBLE).dup('c').reshape(like.shape());
  }

  private GradientDistance oursInSingle(String parameter, INDArray exact) {
    INDArray single = Objects.requireNonNull(compared.results().get(parameter + ".grad"));
    return GradientDistance.between(
        exact, single.castTo(DataType.DOUBLE).reshape(exact.shape()), compared.factor());
  }

  // ---- how much is rounding ----

  /**
   * How far our gradient moves if inputs and parameters change in the last digits of the network's
   * type.
   */
  private Map<String, Double> perturbed(ExtendedGraph graph, Map<String, INDArray> ours) {
    if (!moved.isEmpty()) {
      return moved;
    }
    double epsilon = compared.epsilon();
    Random random = new Random(7);
    INDArray parameters = copy.model().params();
    INDArray kept = parameters.dup();
    for (int k = 0; k < PERTURBATIONS; k++) {
      Map<String, INDArray> changed = new LinkedHashMap<>();
      feeds.forEach((name, array) -> changed.put(name, changed(array, epsilon, random)));
      parameters.assign(changed(kept, epsilon, random));
      Map<String, INDArray> gradient = gradient(graph, changed);
      parameters.assign(kept);
      ours.forEach(
          (parameter, array) ->
              moved.merge(
                  parameter,
                  GradientDistance.between(
                          array, Objects.requireNonNull(gradient.get(parameter)), 1)
                      .off(),
                  Math::max));
    }
    return moved;
  }

  /** Away from zero, so that a number of a class or a word stays the same. */
  private static INDArray changed(INDArray array, double epsilon, Random random) {
    if (!array.dataType().isFPType()) {
      return array;
    }
    double[] numbers = array.dup('c').data().asDouble();
    for (int k = 0; k < numbers.length; k++) {
      numbers[k] *= 1 + epsilon * random.nextInt(4);
    }
    return Nd4j.createFromArray(numbers).reshape('c', array.shape());
  }

  private Verdict unstable(
      String parameter, Map<String, INDArray> ours, Map<String, Double> moved) {
    double norm = GradientDistance.norm(Objects.requireNonNull(ours.get(parameter)));
    return new Verdict(
        Kind.ROUNDING,
        "It is rounding.",
        "Inputs and parameters that change in their last digits change the gradient by %.1e, %.1e of its norm."
            .formatted(moved.get(parameter), Objects.requireNonNull(moved.get(parameter)) / norm));
  }

  // ---- ours alone, where DL4J has drawn random numbers ----

  private void decideByOurs(ExtendedGraph graph, Map<String, INDArray> ours) {
    Map<String, Double> rounding = perturbed(graph, ours);
    String scores = scores();
    ours.forEach(
        (parameter, gradient) -> {
          INDArray theirs = inDouble(parameter, gradient);
          GradientDistance distance = GradientDistance.between(theirs, gradient, 1);
          boolean near = !compared.isDouble() && distance.relative() <= GradientComparison.SMALL;
          String known = known(parameter);
          if (near) {
            verdicts.put(parameter, rounding(parameter, distance, gradient, gradient));
          } else if (distance.within(PERTURBED * Objects.requireNonNull(rounding.get(parameter)))) {
            verdicts.put(parameter, unstable(parameter, ours, rounding));
          } else if (!known.isEmpty() && !scores.isEmpty()) {
            verdicts.put(parameter, new Verdict(Kind.OURS, known, scores));
          } else {
            verdicts.put(
                parameter,
                undecided("DL4J has drawn random numbers, which it cannot be had draw again"));
          }
        });
  }

  /** The two scores in a sentence, if they are the same: then what is computed is. */
  private String scores() {
    double penalty = DoubleNetwork.penalty(compared.net());
    double theirs = compared.net().score() - penalty;
    double sum = converted.loss(plain);
    double mean = sum / batch.samples();
    double ours = Math.abs(theirs - sum) < Math.abs(theirs - mean) ? sum : mean;
    double same = compared.isDouble() ? SAME_IN_DOUBLE : GradientComparison.SMALL;
    return Math.abs(theirs - ours) <= same * Math.max(Math.abs(theirs), same)
        ? "The score is DL4J's (%.6g, ours %.6g), the gradient is not.".formatted(theirs, ours)
        : "";
  }

  // ---- who is right ----

  private void askTheScore(
      Map<String, GradientDistance> apart,
      Map<String, INDArray> ours,
      Map<String, INDArray> theirs) {
    List<String> parameters = new ArrayList<>(apart.keySet());
    parameters.sort(Comparator.comparingDouble(p -> Objects.requireNonNull(apart.get(p)).off()));
    double scale = scoreScale();
    int share = (parameters.size() + DIRECTIONS - 1) / DIRECTIONS;
    for (int k = 0; k < parameters.size(); k += share) {
      List<String> group = parameters.subList(k, Math.min(k + share, parameters.size()));
      Map<String, INDArray> direction = new LinkedHashMap<>();
      double our = 0;
      double their = 0;
      for (String p : group) {
        INDArray gradient = Objects.requireNonNull(ours.get(p));
        INDArray other = Objects.requireNonNull(theirs.get(p)).reshape(gradient.shape());
        INDArray unit = gradient.sub(other).divi(Objects.requireNonNull(apart.get(p)).off());
        direction.put(p, unit);
        our += dot(gradient, unit);
        their += dot(other, unit);
      }
      double least = Objects.requireNonNull(apart.get(group.get(0))).off();
      Slope slope = slope(direction, scale);
      boolean sure = slope.error() <= FOLLOWS * 50 * least;
      boolean follows = Math.abs(slope.value() - our) <= FOLLOWS * least + slope.error();
      String numbers =
          "Along the difference the score changes by %.4g; ours says %.4g, DL4J's %.4g."
              .formatted(slope.value(), our, their);
      for (String p : group) {
        verdicts.put(
            p,
            sure && follows
                ? new Verdict(Kind.OURS, ours(p), numbers)
                : sure ? notOurs(numbers, p) : undecided(numbers + " that is not exact enough"));
      }
    }
  }

  private String ours(String parameter) {
    return known(parameter) + " DL4J's gradient is not the derivative of its score here; ours is.";
  }

  private Verdict notOurs(String numbers, String parameter) {
    return new Verdict(Kind.NOT_OURS, "It is not rounding." + known(parameter), numbers);
  }

  private String known(String parameter) {
    return known(compared, parameter);
  }

  /** What is known of networks and labels like these; nothing, or sentences behind a space. */
  static String known(ComparedIteration compared, String parameter) {
    boolean carried =
        compared.batch().states().values().stream().anyMatch(s -> s != null && !s.isEmpty());
    String layers = String.join(" ", Peculiarities.of(compared.net(), parameter, carried));
    String labels = LabelSums.told(compared.net(), compared.batch(), parameter);
    return (layers.isEmpty() ? "" : " " + layers) + labels;
  }

  private static double dot(INDArray a, INDArray b) {
    return a.mul(b).sumNumber().doubleValue();
  }

  /** DL4J's score is a sum over the batch's samples, or their mean: what makes a sum of it. */
  private double scoreScale() {
    double loss = converted.loss(plain);
    double score = copy.score();
    double samples = batch.samples();
    return Math.abs(score - loss) < Math.abs(score * samples - loss) ? 1 : samples;
  }

  private record Slope(double value, double error) {}

  /** The score's derivative along a direction, by central differences with two steps. */
  private Slope slope(Map<String, INDArray> direction, double scale) {
    double size = 0.1;
    for (String p : direction.keySet()) {
      size = Math.max(size, GradientDistance.norm(copy.parameter(p)));
    }
    double step = STEP * size;
    double wide = difference(direction, 2 * step) * scale;
    double narrow = difference(direction, step) * scale;
    return new Slope(narrow, Math.abs(wide - narrow));
  }

  private double difference(Map<String, INDArray> direction, double step) {
    return (score(direction, step) - score(direction, -step)) / (2 * step);
  }

  private double score(Map<String, INDArray> direction, double step) {
    Map<String, INDArray> kept = new LinkedHashMap<>();
    direction.forEach(
        (name, unit) -> {
          INDArray array = copy.parameter(name);
          kept.put(name, array.dup());
          array.addi(unit.reshape(array.shape()).mul(step));
        });
    copy.compute(batch);
    double score = copy.score();
    kept.forEach((name, array) -> copy.parameter(name).assign(array));
    return score;
  }
}
