package org.backpack4j.examples.reference;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A network, its data, and what is known of it. Arrays are in PyTorch's layouts and double
 * precision; maps keep the order of the file.
 */
public final class ReferenceCase {

  private final String name;
  private final List<CaseNode> nodes;
  private final LossSpec loss;
  private final Map<String, INDArray> inputs;
  private final INDArray target;
  private final INDArray output;
  private final @Nullable Double lossValue;
  private final Map<String, INDArray> parameters;
  private final Map<String, INDArray> buffers;
  private final Map<String, Map<String, Figure>> quantities;
  private final Map<String, INDArray> vector;
  private final double tolerance;

  ReferenceCase(
      String name,
      List<CaseNode> nodes,
      LossSpec loss,
      Map<String, INDArray> inputs,
      INDArray target,
      INDArray output,
      @Nullable Double lossValue,
      Map<String, INDArray> parameters,
      Map<String, INDArray> buffers,
      Map<String, Map<String, Figure>> quantities,
      Map<String, INDArray> vector,
      double tolerance) {
    this.name = name;
    this.nodes = List.copyOf(nodes);
    this.loss = loss;
    this.inputs = inputs;
    this.target = target;
    this.output = output;
    this.lossValue = lossValue;
    this.parameters = parameters;
    this.buffers = buffers;
    this.quantities = quantities;
    this.vector = vector;
    this.tolerance = tolerance;
  }

  /** The case's name. */
  public String name() {
    return name;
  }

  List<CaseNode> nodes() {
    return nodes;
  }

  LossSpec loss() {
    return loss;
  }

  /** What is fed, by placeholder. */
  Map<String, INDArray> inputs() {
    return inputs;
  }

  INDArray target() {
    return target;
  }

  /** The network's output, before the loss. */
  public INDArray output() {
    return output;
  }

  /** The loss, where it is known. */
  public @Nullable Double lossValue() {
    return lossValue;
  }

  /** The parameters, by name. */
  public Map<String, INDArray> parameters() {
    return parameters;
  }

  Map<String, INDArray> buffers() {
    return buffers;
  }

  /** What is known: by quantity, then by parameter. */
  public Map<String, Map<String, Figure>> quantities() {
    return quantities;
  }

  /** What products are with: an array for each parameter; none if there are no products. */
  Map<String, INDArray> vector() {
    return vector;
  }

  /** The largest difference allowed, relative to the largest entry of an array. */
  public double tolerance() {
    return tolerance;
  }
}
