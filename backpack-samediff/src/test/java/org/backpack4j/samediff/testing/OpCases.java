package org.backpack4j.samediff.testing;

import java.util.List;
import java.util.stream.Stream;

/** Ops in the configurations that a graph can have them in. */
public final class OpCases {
  private OpCases() {}

  public static List<OpCase> all() {
    return Stream.of(
            ActivationCases.all(),
            LayerCases.all(),
            ConvolutionCases.all(),
            ShapeCases.all(),
            ArithmeticCases.all(),
            LossCases.all(),
            RareCases.all())
        .flatMap(List::stream)
        .toList();
  }
}
