package org.backpack4j.dl4j.laplace;

import java.util.List;
import org.backpack4j.samediff.extension.Columns;
import org.jspecify.annotations.Nullable;

/** What a person chooses, but for the prior and the noise. */
final class Choices {
  // before fitting
  Form form = Form.KRON;
  Columns columns = Columns.EXACT;
  boolean lastLayer;
  List<String> layers = List.of();
  @Nullable String output;
  boolean perLayer;

  // at any time
  Link link = Link.PROBIT;
  int draws = 100;
  long seed;
  long budget = 256L << 20;

  /** Chooses the last layer, or others. */
  void parameters(boolean last, List<String> names) {
    lastLayer = last;
    layers = names;
  }

  void logits(int count, long drawnFrom) {
    if (count < 1) {
      throw new IllegalArgumentException(
          "At least one draw of logits is needed, not " + count + ".");
    }
    draws = count;
    seed = drawnFrom;
    link = Link.SAMPLED;
  }

  void budget(long bytes) {
    if (bytes < 1) {
      throw new IllegalArgumentException("A budget of " + bytes + " bytes is none.");
    }
    budget = bytes;
  }
}
