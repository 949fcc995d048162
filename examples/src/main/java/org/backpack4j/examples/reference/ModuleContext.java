package org.backpack4j.examples.reference;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;

/** What a module knows of its node: attributes, inputs, parameters and buffers. */
final class ModuleContext {

  private final CaseNode node;
  private final List<Tensor> inputs;
  private final Map<String, Tensor> parameters;
  private final Map<String, INDArray> buffers;
  private final Map<String, Tensor> pieces = new HashMap<>();

  ModuleContext(
      CaseNode node,
      List<Tensor> inputs,
      Map<String, Tensor> parameters,
      Map<String, INDArray> buffers) {
    this.node = node;
    this.inputs = inputs;
    this.parameters = parameters;
    this.buffers = buffers;
  }

  Attributes attributes() {
    return node.attributes();
  }

  SameDiff graph() {
    return input().graph();
  }

  List<Tensor> inputs() {
    return inputs;
  }

  Tensor input() {
    return input(0);
  }

  Tensor input(int index) {
    if (index >= inputs.size()) {
      throw new UnsupportedCaseException(node.op() + " has " + inputs.size() + " inputs");
    }
    return inputs.get(index);
  }

  boolean hasParameter(String name) {
    return parameters.containsKey(fullName(name));
  }

  Tensor parameter(String name) {
    Tensor parameter = parameters.get(fullName(name));
    if (parameter == null) {
      throw new UnsupportedCaseException("no parameter " + fullName(name));
    }
    return parameter;
  }

  @Nullable INDArray buffer(String name) {
    return buffers.get(fullName(name));
  }

  private String fullName(String name) {
    return node.owner() + "." + name;
  }

  /** Gives one of several results a name: {@code chunk.0}. */
  void publish(int index, Tensor piece) {
    pieces.put(node.name() + "." + index, piece);
  }

  Map<String, Tensor> pieces() {
    return pieces;
  }

  UnsupportedCaseException unsupported(String what) {
    return new UnsupportedCaseException(node.op() + ": " + what);
  }
}
