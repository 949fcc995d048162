package org.backpack4j.examples.reference;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Reads reference cases: a folder with {@code case.json} and {@code arrays.npz}, or one with {@code
 * reference.json} alone, whose arrays are given by a formula ({@link FormulaReader}).
 */
public final class CaseReader {

  private static final String CASE = "case.json";
  private static final String FORMULA = "reference.json";
  private static final double DEFAULT_TOLERANCE = 1e-8;
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private CaseReader() {}

  /** The folders of the cases below a folder, by name; the folder itself if it is a case. */
  public static List<Path> folders(Path folder) throws IOException {
    if (isCase(folder)) {
      return List.of(folder);
    }
    try (Stream<Path> children = Files.list(folder)) {
      return children.filter(CaseReader::isCase).sorted().toList();
    }
  }

  private static boolean isCase(Path folder) {
    return Files.exists(folder.resolve(CASE)) || Files.exists(folder.resolve(FORMULA));
  }

  /** Reads the case of one folder. */
  public static ReferenceCase read(Path folder) throws IOException {
    if (!Files.exists(folder.resolve(CASE))) {
      return FormulaReader.read(json(folder.resolve(FORMULA)));
    }
    JsonNode json = json(folder.resolve(CASE));
    try (InputStream in = Files.newInputStream(folder.resolve("arrays.npz"))) {
      return read(json, NpzFile.read(in), folder.getFileName().toString());
    }
  }

  private static JsonNode json(Path file) throws IOException {
    return MAPPER.readTree(file.toFile());
  }

  private static ReferenceCase read(JsonNode json, Map<String, INDArray> arrays, String folder)
      throws IOException {
    JsonNode loss = json.path("loss_value");
    return new ReferenceCase(
        json.path("name").asText(folder),
        nodes(json.path("nodes")),
        loss(json.path("loss")),
        inputs(json.path("input"), arrays),
        array(arrays, json.path("target").asText("target")),
        array(arrays, json.path("output").asText("output")),
        loss.isNumber() ? loss.asDouble() : null,
        named(json.path("parameters"), arrays),
        named(json.path("buffers"), arrays),
        figures(json, arrays),
        named(json.path("vector"), arrays),
        tolerance(json));
  }

  static List<CaseNode> nodes(JsonNode array) {
    Map<String, CaseNode> nodes = new LinkedHashMap<>();
    for (JsonNode json : array) {
      String name = json.path("name").asText();
      String owner = json.path("share").asText(name);
      Attributes attributes = Attributes.of(json.path("attrs"));
      CaseNode shared = nodes.get(owner);
      if (shared != null) {
        attributes = attributes.orElse(shared.attributes());
        owner = shared.owner();
      }
      List<String> inputs =
          StreamSupport.stream(json.path("inputs").spliterator(), false)
              .map(JsonNode::asText)
              .toList();
      nodes.put(name, new CaseNode(name, json.path("op").asText(), inputs, attributes, owner));
    }
    return List.copyOf(nodes.values());
  }

  static LossSpec loss(JsonNode json) {
    return new LossSpec(
        json.path("type").asText(), json.path("reduction").asText("mean"), Attributes.of(json));
  }

  static double tolerance(JsonNode json) {
    JsonNode tolerance = json.path("tolerance");
    return tolerance.isNumber()
        ? tolerance.asDouble()
        : tolerance.path("relative_to_largest_entry").asDouble(DEFAULT_TOLERANCE);
  }

  /** One placeholder is a key, under the name "input"; several are a list or an object of keys. */
  private static Map<String, INDArray> inputs(JsonNode json, Map<String, INDArray> arrays)
      throws IOException {
    if (json.isObject()) {
      return named(json, arrays);
    }
    Map<String, INDArray> inputs = new LinkedHashMap<>();
    if (json.isArray()) {
      for (JsonNode key : json) {
        inputs.put(key.asText(), array(arrays, key.asText()));
      }
    } else {
      inputs.put("input", array(arrays, json.asText("input")));
    }
    return inputs;
  }

  private static Map<String, INDArray> named(JsonNode json, Map<String, INDArray> arrays)
      throws IOException {
    Map<String, INDArray> named = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> entry : json.properties()) {
      named.put(entry.getKey(), array(arrays, entry.getValue().asText()));
    }
    return named;
  }

  /** The parameters' quantities, and what is known of the network as a whole or of its inputs. */
  private static Map<String, Map<String, Figure>> figures(
      JsonNode json, Map<String, INDArray> arrays) throws IOException {
    Map<String, Map<String, Figure>> figures = quantities(json.path("quantities"), arrays);
    if (json.path("jvp").isTextual()) {
      INDArray known = array(arrays, json.path("jvp").asText());
      figures.put("jvp", Map.of(Quantities.NETWORK, new WholeArrays(List.of(known))));
    }
    if (json.path("ggn_eigenvalues").isTextual()) {
      INDArray known = array(arrays, json.path("ggn_eigenvalues").asText());
      figures.put("ggn_eigenvalues", Map.of(Quantities.NETWORK, new FirstEntries(known)));
    }
    JsonNode byInput = json.path("input_grad_batch");
    if (byInput.isTextual() || byInput.isObject()) {
      Map<String, INDArray> known =
          byInput.isObject()
              ? named(byInput, arrays)
              : Map.of("input", array(arrays, byInput.asText()));
      Map<String, Figure> inputs = new LinkedHashMap<>();
      known.forEach((input, array) -> inputs.put(input, new WholeArrays(List.of(array))));
      figures.put("input_grad_batch", inputs);
    }
    return figures;
  }

  private static Map<String, Map<String, Figure>> quantities(
      JsonNode json, Map<String, INDArray> arrays) throws IOException {
    Map<String, Map<String, Figure>> quantities = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> field : json.properties()) {
      Map<String, Figure> figures = new LinkedHashMap<>();
      for (Map.Entry<String, JsonNode> parameter : field.getValue().properties()) {
        List<INDArray> known = new ArrayList<>();
        JsonNode keys = parameter.getValue();
        for (JsonNode key : keys.isArray() ? keys : List.of(keys)) {
          known.add(array(arrays, key.asText()));
        }
        figures.put(parameter.getKey(), new WholeArrays(known));
      }
      quantities.put(field.getKey(), figures);
    }
    return quantities;
  }

  private static INDArray array(Map<String, INDArray> arrays, String key) throws IOException {
    INDArray array = arrays.get(key);
    if (array == null) {
      throw new IOException("arrays.npz has no " + key);
    }
    return array;
  }
}
