package org.backpack4j.examples.tutorial;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.check.BruteForce;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Computes the exact diagonal of a model's Gauss-Newton matrix, and compares some of its entries
 * with brute force: all of them would take long.
 */
final class DiagonalCheck {

  private static final int COMPARED = 10;

  private final SameDiff model;
  private final Map<String, INDArray> feeds;
  private final List<String> parameters;

  /**
   * A check.
   *
   * @param model a graph with a loss
   * @param feeds its data
   * @param parameters its parameters, in the order in which the diagonal has them
   */
  DiagonalCheck(SameDiff model, Map<String, INDArray> feeds, List<String> parameters) {
    this.model = model;
    this.feeds = feeds;
    this.parameters = parameters;
  }

  void run() {
    try (ExtendedGraph graph = BackPack.extend(model, new DiagGGNExact())) {
      run(graph);
    }
  }

  void run(ExtendedGraph graph) {
    String[] names =
        parameters.stream().map(name -> name + ".diag_ggn_exact").toArray(String[]::new);
    Map<String, INDArray> results = graph.output(feeds, names);
    for (String name : parameters) {
      System.out.printf(
          "%s's diag_ggn_exact: %s%n", name, Arrays.toString(diagonal(results, name).shape()));
    }
    compare(
        parameters.stream()
            .map(name -> diagonal(results, name))
            .flatMapToDouble(array -> Arrays.stream(Close.entries(array)))
            .toArray());
  }

  private static INDArray diagonal(Map<String, INDArray> results, String parameter) {
    return Objects.requireNonNull(results.get(parameter + ".diag_ggn_exact"));
  }

  private void compare(double[] diagonal) {
    System.out.println("Do the exact GGN diagonals match?");
    int[] everywhere = IntStream.range(0, diagonal.length).toArray();
    compare(diagonal, spread(everywhere));
    int[] positive = IntStream.of(everywhere).filter(i -> diagonal[i] > 0).toArray();
    if (IntStream.of(spread(everywhere)).anyMatch(i -> diagonal[i] == 0)) {
      System.out.println("And where they are not zero?");
      compare(diagonal, spread(positive));
    }
  }

  /** Some indices, evenly, from the first to the last. */
  private static int[] spread(int[] indices) {
    long last = indices.length - 1L;
    return IntStream.range(0, COMPARED)
        .map(i -> indices[(int) (i * last / (COMPARED - 1))])
        .toArray();
  }

  private void compare(double[] diagonal, int[] indices) {
    double[] expected =
        BruteForce.on(model, feeds)
            .parameters(parameters.toArray(String[]::new))
            .diagGgnExact(IntStream.of(indices).asLongStream().toArray());
    for (int i = 0; i < indices.length; i++) {
      boolean match = Close.closeRelatively(diagonal[indices[i]], expected[i]);
      System.out.printf("Diagonal entry %8d: %s%n", indices[i], match);
      if (!match) {
        throw new IllegalStateException("Exact GGN diagonals don't match!");
      }
    }
  }
}
