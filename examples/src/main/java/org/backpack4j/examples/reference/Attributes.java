package org.backpack4j.examples.reference;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/** What a node of a case says beside its op and inputs, under PyTorch's argument names. */
final class Attributes {

  static final Attributes NONE = new Attributes(Map.of());

  private final Map<String, JsonNode> values;

  private Attributes(Map<String, JsonNode> values) {
    this.values = values;
  }

  static Attributes of(JsonNode object) {
    Map<String, JsonNode> values = new HashMap<>();
    object.fields().forEachRemaining(e -> values.put(e.getKey(), e.getValue()));
    values.values().removeIf(JsonNode::isNull);
    return new Attributes(Map.copyOf(values));
  }

  /** These attributes; what they leave open is taken from others. */
  Attributes orElse(Attributes others) {
    Map<String, JsonNode> merged = new HashMap<>(others.values);
    merged.putAll(values);
    return new Attributes(Map.copyOf(merged));
  }

  boolean has(String name) {
    return values.containsKey(name);
  }

  boolean flag(String name, boolean otherwise) {
    JsonNode value = values.get(name);
    return value == null ? otherwise : value.isNumber() ? value.asInt() != 0 : value.asBoolean();
  }

  double number(String name, double otherwise) {
    JsonNode value = values.get(name);
    return value == null ? otherwise : value.asDouble();
  }

  long integer(String name, long otherwise) {
    JsonNode value = values.get(name);
    return value == null ? otherwise : first(value).asLong();
  }

  long integer(String name) {
    JsonNode value = values.get(name);
    if (value == null) {
      throw new UnsupportedCaseException("the attribute " + name + " is missing");
    }
    return first(value).asLong();
  }

  String text(String name, String otherwise) {
    JsonNode value = values.get(name);
    return value == null ? otherwise : value.asText();
  }

  boolean isText(String name) {
    JsonNode value = values.get(name);
    return value != null && value.isTextual();
  }

  /** The first of these numbers that is there. */
  Optional<Double> firstNumber(String... names) {
    return Arrays.stream(names)
        .flatMap(name -> Stream.ofNullable(values.get(name)))
        .filter(JsonNode::isNumber)
        .map(JsonNode::asDouble)
        .findFirst();
  }

  /** A list of integers of any length; a single integer is a list of one. */
  Optional<long[]> integers(String... names) {
    return Arrays.stream(names).filter(values::containsKey).map(this::list).findFirst();
  }

  /** One integer for each of so many dimensions; a single integer, or none, stands for all. */
  long[] perDimension(String name, int dimensions, long otherwise) {
    long[] list = has(name) ? list(name) : new long[] {otherwise};
    if (list.length == dimensions) {
      return list;
    }
    if (list.length != 1) {
      throw new UnsupportedCaseException(name + " has " + list.length + " entries");
    }
    long[] all = new long[dimensions];
    Arrays.fill(all, list[0]);
    return all;
  }

  private long[] list(String name) {
    JsonNode value = values.get(name);
    if (value == null) {
      return new long[0];
    }
    return value.isArray()
        ? StreamSupport.stream(value.spliterator(), false).mapToLong(JsonNode::asLong).toArray()
        : new long[] {value.asLong()};
  }

  private static JsonNode first(JsonNode value) {
    return value.isArray() && value.size() == 1 ? value.get(0) : value;
  }

  @Override
  public String toString() {
    return values.toString();
  }
}
