package org.backpack4j.examples.reference;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.nd4j.autodiff.samediff.NameScope;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The graph of a case. Its parameters are variables under their own names and in PyTorch's layouts,
 * its placeholders the case's inputs and the target, its results the output and the loss.
 */
public final class CaseGraph {

  /** The loss variable. */
  public static final String LOSS = "loss";

  private final SameDiff graph = SameDiff.create();
  private final Map<String, INDArray> feeds = new LinkedHashMap<>();
  private final Map<String, Tensor> values = new HashMap<>();
  private final Map<String, Tensor> parameters = new HashMap<>();
  private final ReferenceCase source;
  private final String output;

  private CaseGraph(ReferenceCase source) {
    this.source = source;
    source.inputs().forEach(this::addInput);
    source.parameters().forEach(this::addParameter);
    Tensor last = values.values().iterator().next();
    Set<String> named = new HashSet<>(source.inputs().keySet());
    named.addAll(source.parameters().keySet());
    for (CaseNode node : source.nodes()) {
      last = add(node, named);
    }
    output = last.variable().name();
    feeds.put(Losses.TARGET, Losses.add(last, source.target(), source.loss()));
  }

  /** Builds the graph. */
  public static CaseGraph of(ReferenceCase source) {
    return new CaseGraph(source);
  }

  /** The graph. */
  public SameDiff graph() {
    return graph;
  }

  /** What is to be fed. */
  public Map<String, INDArray> feeds() {
    return feeds;
  }

  /** The name of the network's output. */
  public String output() {
    return output;
  }

  private void addInput(String name, INDArray array) {
    DataType type = array.dataType().isIntType() ? DataType.INT64 : DataType.DOUBLE;
    long[] open = array.shape().clone();
    if (open.length > 0) {
      open[0] = -1;
    }
    values.put(name, Tensor.batched(graph.placeHolder(name, type, open), array.shape()));
    feeds.put(name, array);
  }

  private void addParameter(String name, INDArray array) {
    parameters.put(name, Tensor.fixed(graph.var(name, array.dup('c')), array.shape()));
  }

  private Tensor add(CaseNode node, Set<String> named) {
    List<Tensor> inputs = new ArrayList<>();
    for (String name : node.inputs()) {
      inputs.add(value(name));
    }
    ModuleContext context = new ModuleContext(node, inputs, parameters, source.buffers());
    Tensor result = build(node, context);
    if (!named.contains(result.variable().name())) {
      result = result.map(variable -> variable.rename(node.name()));
      named.add(node.name());
    }
    values.put(node.name(), result);
    values.putAll(context.pieces());
    return result;
  }

  /** The scope keeps the names of the module's ops apart from those of the nodes. */
  private Tensor build(CaseNode node, ModuleContext context) {
    if (node.key().equals("getitem") && !node.inputs().isEmpty()) {
      String piece = node.inputs().get(0) + "." + node.attributes().integer("index", 0);
      if (values.containsKey(piece)) {
        return value(piece);
      }
    }
    NameScope scope = graph.withNameScope(node.name());
    try {
      return Modules.of(node).build(context);
    } finally {
      scope.close();
    }
  }

  private Tensor value(String name) {
    Tensor value = values.get(name);
    if (value == null) {
      value = parameters.get(name);
    }
    if (value == null && source.buffers().containsKey(name)) {
      INDArray buffer = source.buffers().get(name);
      value = Tensor.fixed(graph.constant(name, buffer), buffer.shape());
      values.put(name, value);
    }
    if (value == null) {
      throw new UnsupportedCaseException("no node " + name);
    }
    return value;
  }
}
