package org.backpack4j.dl4j.train;

import java.util.LinkedHashSet;
import java.util.Set;
import org.backpack4j.samediff.privacy.PrivacyAccountant;
import org.backpack4j.samediff.privacy.PrivacyLedger;
import org.deeplearning4j.nn.api.Model;
import org.jspecify.annotations.Nullable;

/** The choices of a private training, and what is wrong with one by itself. */
final class PrivacyChoices {
  PrivacyAccountant accountant = PrivacyAccountant.prv();
  PrivacyLedger ledger = PrivacyLedger.empty();
  Clipping.Kind kind = Clipping.Kind.FLAT;
  double gamma = 0.01;
  double quantile = 0.5;
  int epochs = 1;
  int most = Integer.MAX_VALUE;
  @Nullable Double epsilon;
  @Nullable Double delta;
  @Nullable Double sigma;
  @Nullable Double clip;
  @Nullable Integer batch;
  @Nullable NoiseSource noise;

  static double above(String what, double number) {
    if (!(number > 0 && Double.isFinite(number))) {
      throw new IllegalArgumentException(what + " is " + number + ", expected a number above 0");
    }
    return number;
  }

  static double share(String what, double number, String kind, String example) {
    if (!(number > 0 && number < 1)) {
      throw new IllegalArgumentException(
          "%s is %s, expected a %s between 0 and 1, such as %s"
              .formatted(what, number, kind, example));
    }
    return number;
  }

  static double needed(String what, @Nullable Double value) {
    if (value == null) {
      throw new IllegalArgumentException(
          what + " was not chosen: PrivacyEngine.on(net)." + what + "….build(data)");
    }
    return value;
  }

  /** The expected number of samples of a batch, of so many. */
  int batch(long samples) {
    int chosen = (int) needed("batchSize(…)", batch == null ? null : (double) batch);
    if (chosen > samples) {
      throw new IllegalArgumentException(
          "batchSize is %d, expected at most the number of samples, %d".formatted(chosen, samples));
    }
    return chosen;
  }

  double delta() {
    return needed("delta(…)", delta);
  }

  /** How gradients are clipped. */
  Clipping clipping() {
    boolean free = kind == Clipping.Kind.AUTOMATIC && clip == null;
    return new Clipping(kind, free ? 1 : needed("clip(…)", clip), gamma, quantile);
  }

  /** How many layers of a network have parameters. */
  static int layers(Model net) {
    Set<String> layers = new LinkedHashSet<>();
    net.paramTable().keySet().forEach(name -> layers.add(Clipping.layer(name)));
    return Math.max(1, layers.size());
  }
}
