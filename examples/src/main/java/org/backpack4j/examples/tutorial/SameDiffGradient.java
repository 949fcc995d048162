package org.backpack4j.examples.tutorial;

import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The gradient that SameDiff itself computes, without what it prints while it does. */
final class SameDiffGradient {

  private SameDiffGradient() {}

  static Map<String, INDArray> of(
      SameDiff graph, Map<String, INDArray> feeds, List<String> parameters) {
    PrintStream out = System.out;
    System.setOut(new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8));
    try {
      return graph.calculateGradients(feeds, parameters);
    } finally {
      System.setOut(out);
    }
  }
}
