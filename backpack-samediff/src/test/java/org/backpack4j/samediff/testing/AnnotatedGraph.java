package org.backpack4j.samediff.testing;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.backpack4j.samediff.internal.autodiff.Annotations;
import org.backpack4j.samediff.internal.autodiff.NodeContext;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.interpret.ReferenceInterpreter;
import org.backpack4j.samediff.internal.ir.Node;
import org.backpack4j.samediff.internal.loss.Losses;
import org.backpack4j.samediff.internal.nd4j.GraphCopy;
import org.backpack4j.samediff.internal.rewrite.Canonicalise;
import org.backpack4j.samediff.internal.rewrite.InferenceDropoutToIdentity;
import org.backpack4j.samediff.internal.rewrite.InputReshapes;
import org.backpack4j.samediff.internal.rule.Rules;
import org.backpack4j.samediff.internal.shape.GraphShapes;
import org.backpack4j.samediff.internal.shape.SampleAxes;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** A graph as the passes see it before anything is inserted: a rewritten copy with rules. */
public final class AnnotatedGraph {
  private final SameDiff copy;
  private final Annotations annotations;
  private final Map<Node, Rule> rules = new LinkedHashMap<>();
  private final Map<String, INDArray> feeds;
  private final Dim samples;

  /**
   * @param sd the graph, which is copied
   * @param outputs what is wanted of it
   * @param feeds a value for each placeholder
   * @param sampleAxes sample axes that are not the first
   */
  public AnnotatedGraph(
      SameDiff sd,
      List<String> outputs,
      Map<String, INDArray> feeds,
      Map<String, Integer> sampleAxes) {
    this.feeds = new LinkedHashMap<>(feeds);
    this.copy = GraphCopy.of(sd);
    SampleAxes.open(copy, sampleAxes);
    InferenceDropoutToIdentity.apply(copy);
    InputReshapes.apply(copy);
    Canonicalise.apply(copy, outputs, sampleAxes);
    GraphShapes shapes = GraphShapes.of(copy, outputs, sampleAxes);
    Map.Entry<String, Integer> sampled = shapes.sampleAxes().entrySet().iterator().next();
    this.annotations =
        new Annotations(shapes, new Emitter(copy, sampled.getKey(), sampled.getValue(), 1));
    this.samples = Dim.of(feeds.get(sampled.getKey()).size(sampled.getValue()));
    annotations.nodes().forEach(this::place);
  }

  private void place(Node node) {
    Rule rule = Losses.table().get(node.op());
    Rule own = rule != null ? rule : Rules.of(node.op());
    NodeContext context = new NodeContext(annotations, node);
    IntStream.range(0, node.outputs().size())
        .forEach(k -> annotations.place(node.outputs().get(k), own.batchAxis(context, k)));
    boolean mixes =
        node.outputs().stream().anyMatch(o -> annotations.batchAxis(o).coupling() != null);
    rules.put(node, mixes ? Rules.acrossSamples(own, context) : own);
  }

  public Annotations annotations() {
    return annotations;
  }

  public Emitter emit() {
    return annotations.emit();
  }

  public Rule rule(Node node) {
    return rules.get(node);
  }

  /** The copy, into which ops are inserted. */
  public SameDiff copy() {
    return copy;
  }

  /** Nodes whose rule covers them, where samples influence each other if the rule passes that. */
  public List<Node> covered() {
    return annotations.nodes().stream().filter(this::isCovered).toList();
  }

  private boolean isCovered(Node node) {
    try {
      rule(node).check(new NodeContext(annotations, node));
      rule(node).checkJvp(new NodeContext(annotations, node));
    } catch (RuntimeException refused) {
      return false;
    }
    Predicate<String> mixes = o -> annotations.batchAxis(o).coupling() != null;
    return rule(node).vjpHandlesCoupling() || node.outputs().stream().noneMatch(mixes);
  }

  /** Random columns [N or 1, V, F…] at a variable, fed by a placeholder. */
  public Tensor columns(String variable, int count) {
    Dims part = annotations.batchAxis(variable).perSample(annotations.dims(variable));
    boolean rows = annotations.batchAxis(variable).hasSamples();
    Dims dims = Dims.of(rows ? Dim.N : Dim.ONE, Dim.of(count)).plus(part);
    DataType type = annotations.type(variable);
    String name = "columns_" + feeds.size();
    feeds.put(name, random(type, dims));
    return emit().wrap(copy.placeHolder(name, type, dims.toLongs()), dims, true);
  }

  private INDArray random(DataType type, Dims dims) {
    if (dims.product().size() == 0) {
      return Nd4j.create(type, dims.with(0, dims.get(0).samples() ? samples : Dim.ONE).toLongs());
    }
    long[] shape = dims.with(0, dims.get(0).samples() ? samples : Dim.ONE).toLongs();
    return Nd4j.rand(DataType.DOUBLE, shape).subi(0.4).castTo(type);
  }

  /** What is fed to a placeholder. */
  public INDArray fed(String placeholder) {
    return feeds.get(placeholder);
  }

  /** Evaluates what was inserted. */
  public Map<String, INDArray> values(List<String> names) {
    return ReferenceInterpreter.run(copy, feeds, names);
  }
}
