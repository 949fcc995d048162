package org.backpack4j.dl4j.internal.report;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import org.backpack4j.dl4j.report.Advice;

/**
 * Looks for what goes wrong, over the last {@value #WINDOW} records and in no fewer than {@value
 * #LEAST}; what concerns noise in {@value #WINDOW}. Thresholds are far from what healthy trainings
 * show, so that there is silence in doubt.
 */
public final class Advisor {
  static final int WINDOW = 20;
  static final int LEAST = 5;

  /** So many times the batch is the noise scale before larger batches are advised. */
  static final double LARGER_BATCH = 20;

  /** So many times the noise scale is the batch before smaller ones are advised. */
  static final double SMALLER_BATCH = 10;

  static final double OVERSHOOT = 1;
  static final double TIMID = -0.98;
  static final double VANISHING = 1e-4;
  static final double DEAD = 0.5;
  static final double EXPLODING = 100;
  static final double DOMINATING = 0.5;
  static final double LARGE_UPDATE = 0.1;

  private Advisor() {}

  /** What one look finds. */
  private interface Look {
    List<Advice> at(List<StepRecord> window);
  }

  private static final List<Look> LOOKS =
      List.of(
          Advisor::exploding,
          Advisor::overshooting,
          Advisor::timid,
          Advisor::largeUpdates,
          Advisor::dead,
          Advisor::vanishing,
          Advisor::noise,
          Advisor::dominated);

  /**
   * Looks at a training.
   *
   * @param history its records so far
   * @return the findings, the gravest first
   */
  public static List<Advice> of(List<StepRecord> history) {
    int size = history.size();
    if (size < LEAST) {
      return List.of();
    }
    List<StepRecord> window = history.subList(Math.max(0, size - WINDOW), size);
    List<Advice> all = new ArrayList<>();
    LOOKS.forEach(look -> all.addAll(look.at(window)));
    return all;
  }

  // ---- the looks ----

  private static List<Advice> exploding(List<StepRecord> window) {
    StepRecord last = window.get(window.size() - 1);
    double usual = median(window, StepRecord::gradientNorm);
    double now = last.gradientNorm();
    if (!Double.isFinite(now) || !Double.isFinite(last.score())) {
      return advice(
          "not-finite",
          "The gradient or the loss is not finite",
          text("loss %s, gradient norm %s in iteration %d", last.score(), now, last.iteration()),
          "Lower the learning rate, clip gradients (GradientNormalization), and look for zeros"
              + " under logarithms and divisions.");
    }
    if (now > EXPLODING * usual) {
      return advice(
          "exploding",
          "The gradient explodes",
          text("its norm is %.3g, a median step's %.3g", now, usual),
          "Lower the learning rate, or clip gradients (GradientNormalization).");
    }
    return List.of();
  }

  private static List<Advice> overshooting(List<StepRecord> window) {
    double alpha = mean(window, StepRecord::alpha);
    return alpha > OVERSHOOT
        ? advice(
            "overshooting",
            "Steps end on the other side of the valley",
            text("α is %.2f on average; 0 is its bottom, 1 the same height opposite", alpha),
            "Lower the learning rate, to half of it at first.")
        : List.of();
  }

  private static List<Advice> timid(List<StepRecord> window) {
    double alpha = mean(window, StepRecord::alpha);
    double first = mean(window.subList(0, window.size() / 2), StepRecord::score);
    double second = mean(window.subList(window.size() / 2, window.size()), StepRecord::score);
    boolean stands = second > 0.99 * first;
    return alpha < TIMID && stands && !isNoise(window)
        ? advice(
            "timid",
            "Steps are far too small for the valley they are in",
            text(
                "α is %.3f on average, −1 is no step at all; the loss went from %.4g to %.4g",
                alpha, first, second),
            "Raise the learning rate, tenfold at first.")
        : List.of();
  }

  private static List<Advice> largeUpdates(List<StepRecord> window) {
    List<Advice> found = new ArrayList<>();
    for (String layer : layers(window)) {
      double ratio = median(window, r -> r.layer(layer).updateSize() / weight(r.layer(layer)));
      if (ratio > LARGE_UPDATE) {
        found.add(
            new Advice(
                "large-updates",
                text("Layer %s is thrown about", layer),
                text("a step changes its weights by %.0f %% of their norm", 100 * ratio),
                "Lower the learning rate, or warm it up."));
      }
    }
    return found;
  }

  private static double weight(LayerRecord layer) {
    return layer.weightNorm() == 0 ? Double.NaN : layer.weightNorm();
  }

  private static List<Advice> dead(List<StepRecord> window) {
    List<Advice> found = new ArrayList<>();
    for (String layer : layers(window)) {
      double dead = median(window, r -> r.layer(layer).dead());
      if (dead > DEAD) {
        found.add(
            new Advice(
                "dead-units",
                text("Most units of layer %s are dead", layer),
                text("%.0f %% of its ReLUs pass no sample's gradient", 100 * dead),
                "Use LEAKYRELU or another initialisation (WeightInit.RELU), and a lower learning"
                    + " rate."));
      }
    }
    return found;
  }

  private static List<Advice> vanishing(List<StepRecord> window) {
    List<Advice> found = new ArrayList<>();
    double most =
        layers(window).stream()
            .mapToDouble(l -> median(window, r -> r.layer(l).gradientNorm()))
            .max()
            .orElse(Double.NaN);
    for (String layer : layers(window)) {
      double share = median(window, r -> r.layer(layer).gradientNorm()) / most;
      if (share < VANISHING) {
        double dead = median(window, r -> r.layer(layer).dead());
        found.add(
            new Advice(
                "vanishing",
                text("Layer %s gets no gradient to speak of", layer),
                text("%.1g of the layer with the largest", share)
                    + (dead > 0 ? text(", with %.0f %% of its ReLUs dead", 100 * dead) : ""),
                "Look at what is behind it: saturated activations, dead ReLUs, scales of"
                    + " initialisation; normalisation or skip connections help."));
      }
    }
    return found;
  }

  /** Whether the mean gradient cannot be told from zero. */
  private static boolean isNoise(List<StepRecord> window) {
    return mean(window, r -> r.statistics().squaredMean()) <= 0;
  }

  private static List<Advice> noise(List<StepRecord> window) {
    if (window.size() < WINDOW) {
      return List.of(); // the square of a mean of few batches is itself all noise
    }
    double trace = mean(window, r -> r.statistics().traceOfCovariance());
    double squared = mean(window, r -> r.statistics().squaredMean());
    double batch = mean(window, r -> (double) r.statistics().samples());
    if (isNoise(window)) {
      return advice(
          "noise-only",
          "The gradient cannot be told from noise",
          text(
              "over %d batches of %.0f its mean square is below what its variance explains",
              window.size(), batch),
          "Stop here, lower the learning rate, or take larger batches.");
    }
    double scale = trace / squared;
    if (scale > LARGER_BATCH * batch) {
      return advice(
          "noise-scale",
          "Larger batches would cost nothing",
          text("the noise scale is %,.0f samples at a batch of %.0f", scale, batch),
          "Enlarge the batch, and raise the learning rate with it.");
    }
    if (batch > SMALLER_BATCH * scale && batch > 1) {
      return advice(
          "small-noise",
          "Smaller batches would do as well",
          text("the noise scale is %,.1f samples at a batch of %.0f", scale, batch),
          "Make the batch smaller: more steps for the same time.");
    }
    return List.of();
  }

  private static List<Advice> dominated(List<StepRecord> window) {
    List<StepRecord> dominated =
        window.stream()
            .filter(r -> r.statistics().samples() >= 8)
            .filter(r -> !r.largest().isEmpty() && r.largest().get(0).share() > DOMINATING)
            .toList();
    if (2 * dominated.size() < window.size()) {
      return List.of();
    }
    StepRecord.Sample worst = dominated.get(dominated.size() - 1).largest().get(0);
    return advice(
        "dominated",
        "Single samples dominate the gradient",
        text(
            "in %d of %d batches one sample has more than half of all squared norms; sample %d has"
                + " %.0f %% in the last",
            dominated.size(), window.size(), worst.index(), 100 * worst.share()),
        "Look at these samples for wrong labels or scales, or clip gradients.");
  }

  // ---- helpers ----

  private static List<Advice> advice(String kind, String finding, String evidence, String remedy) {
    return List.of(new Advice(kind, finding, evidence, remedy));
  }

  private static String text(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }

  private static List<String> layers(List<StepRecord> window) {
    return List.copyOf(window.get(window.size() - 1).layers().keySet());
  }

  private static double[] numbers(List<StepRecord> window, ToDoubleFunction<StepRecord> of) {
    return window.stream().mapToDouble(of).filter(Double::isFinite).toArray();
  }

  private static double mean(List<StepRecord> window, ToDoubleFunction<StepRecord> of) {
    return Arrays.stream(numbers(window, of)).average().orElse(Double.NaN);
  }

  private static double median(List<StepRecord> window, ToDoubleFunction<StepRecord> of) {
    double[] sorted = Arrays.stream(numbers(window, of)).sorted().toArray();
    return sorted.length == 0 ? Double.NaN : sorted[sorted.length / 2];
  }
}
