package org.backpack4j.dl4j.internal.report;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a full report knows of an iteration beside the rest.
 *
 * @param eigenvalue the largest eigenvalue of the generalised Gauss-Newton matrix of the mean loss;
 *     NaN if it could not be had
 * @param eigenvalues the same of each layer's block
 * @param histograms of each parameter whose gradients are finite
 * @param notes why something is missing
 */
public record Closeup(
    double eigenvalue,
    Map<String, Double> eigenvalues,
    Map<String, Histogram> histograms,
    List<String> notes) {

  /** Nothing known. */
  static final Closeup NONE = new Closeup(Double.NaN, Map.of(), Map.of(), List.of());

  /** The same without histograms of two dimensions, which only the last record shows. */
  Closeup withoutGrids() {
    Map<String, Histogram> flat = new LinkedHashMap<>();
    histograms.forEach((name, histogram) -> flat.put(name, histogram.withoutGrid()));
    return new Closeup(eigenvalue, eigenvalues, flat, notes);
  }
}
