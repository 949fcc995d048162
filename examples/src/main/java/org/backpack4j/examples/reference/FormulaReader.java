package org.backpack4j.examples.reference;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.StreamSupport;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A case that is too large to be stored: entry i of array k is {@code offset + scale * sin(12.9898
 * * (i + 1) + 78.233 * (k + 1))}, and the quantities are known at some indices.
 */
final class FormulaReader {

  private static final String[] FIELDS = {
    "grad",
    "grad_batch",
    "sum_grad_squared",
    "variance",
    "diag_ggn_exact",
    "diag_ggn_exact_batch",
    "diag_h",
    "diag_h_batch"
  };

  private FormulaReader() {}

  static ReferenceCase read(JsonNode json) {
    JsonNode loss = json.path("loss_value");
    return new ReferenceCase(
        json.path("name").asText(),
        CaseReader.nodes(json.path("nodes")),
        CaseReader.loss(json.path("loss")),
        Map.of("input", anonymous(json.path("input"))),
        anonymous(json.path("target")),
        matrix(json.path("output")),
        loss.isNumber() ? loss.asDouble() : null,
        named(json.path("parameters")),
        named(json.path("buffers")),
        quantities(json.path("values")),
        Map.of(),
        CaseReader.tolerance(json));
  }

  private static Map<String, INDArray> named(JsonNode rows) {
    Map<String, INDArray> arrays = new LinkedHashMap<>();
    for (JsonNode row : rows) {
      arrays.put(row.get(0).asText(), array(row, 1));
    }
    return arrays;
  }

  private static INDArray anonymous(JsonNode row) {
    return array(row, 0);
  }

  private static INDArray array(JsonNode row, int first) {
    long[] shape =
        StreamSupport.stream(row.get(first).spliterator(), false)
            .mapToLong(JsonNode::asLong)
            .toArray();
    double k = row.get(first + 1).asDouble();
    double scale = row.get(first + 2).asDouble();
    double offset = row.get(first + 3).asDouble();
    double[] values = new double[(int) Arrays.stream(shape).reduce(1, Math::multiplyExact)];
    for (int i = 0; i < values.length; i++) {
      values[i] = offset + scale * Math.sin(12.9898 * (i + 1) + 78.233 * (k + 1));
    }
    return Nd4j.createFromArray(values).reshape('c', shape);
  }

  private static INDArray matrix(JsonNode rows) {
    return Nd4j.createFromArray(
        StreamSupport.stream(rows.spliterator(), false)
            .map(FormulaReader::doubles)
            .toArray(double[][]::new));
  }

  private static Map<String, Map<String, Figure>> quantities(JsonNode values) {
    Map<String, Map<String, Figure>> quantities = new LinkedHashMap<>();
    for (String field : FIELDS) {
      Map<String, Figure> figures = new LinkedHashMap<>();
      for (Map.Entry<String, JsonNode> parameter : values.properties()) {
        if (parameter.getValue().has(field)) {
          figures.put(parameter.getKey(), figure(parameter.getValue(), field));
        }
      }
      if (!figures.isEmpty()) {
        quantities.put(field, figures);
      }
    }
    return quantities;
  }

  private static Figure figure(JsonNode known, String field) {
    JsonNode entries = known.get(field);
    JsonNode indices =
        known.has(field + "_indices") ? known.get(field + "_indices") : known.get("indices");
    double[][] rows =
        entries.path(0).isArray()
            ? StreamSupport.stream(entries.spliterator(), false)
                .map(FormulaReader::doubles)
                .toArray(double[][]::new)
            : new double[][] {doubles(entries)};
    double largest =
        Arrays.stream(rows).flatMapToDouble(Arrays::stream).map(Math::abs).max().orElse(0);
    return new EntriesAtIndices(
        rows,
        StreamSupport.stream(indices.spliterator(), false).mapToInt(JsonNode::asInt).toArray(),
        known.path(field + "_max").asDouble(largest),
        known.path(field + "_sum").asDouble(Double.NaN));
  }

  private static double[] doubles(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false)
        .mapToDouble(JsonNode::asDouble)
        .toArray();
  }
}
