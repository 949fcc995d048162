package org.backpack4j.samediff.internal.autodiff;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntPredicate;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.internal.ir.Node;
import org.backpack4j.samediff.internal.nd4j.OpSignature;
import org.backpack4j.samediff.internal.nd4j.VariableLookup;
import org.backpack4j.samediff.internal.shape.GraphShapes;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.OpNode;
import org.backpack4j.samediff.spi.Tensor;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A node as a rule sees it: its variables' shapes and batchAxes, their values in the arrangement of
 * cotangents, and where to insert ops.
 *
 * <p>Cotangents have the samples first: [N, V, F…]. Forward values are brought into that
 * arrangement with V = 1, at no cost where the sample axis is the first one anyway, so that a rule
 * need not know where it was.
 */
public final class NodeContext implements OpNode {
  private final Annotations annotations;
  private final Node node;
  private final IntPredicate wanted;
  private final IntPredicate wantedSum;

  /** What stands in the place of some inputs' values: [N or 1, F…]. */
  private final Map<Integer, Tensor> others;

  /**
   * A node of an annotated graph.
   *
   * @param annotations the graph
   * @param node the node
   */
  public NodeContext(Annotations annotations, Node node) {
    this(annotations, node, input -> false, input -> false);
  }

  /** A node that a sweep passes, which knows what it is passed for. */
  NodeContext(Annotations annotations, Node node, IntPredicate wanted, IntPredicate wantedSum) {
    this.annotations = annotations;
    this.node = node;
    this.wanted = wanted;
    this.wantedSum = wantedSum;
    this.others = Map.of();
  }

  private NodeContext(NodeContext context, Map<Integer, Tensor> others) {
    this.annotations = context.annotations;
    this.node = context.node;
    this.wanted = context.wanted;
    this.wantedSum = context.wantedSum;
    this.others = others;
  }

  /**
   * The same node with another value in the place of an input's.
   *
   * @param input which input
   * @param value [N, F…]; [1, F…] for an input without a sample axis
   * @return the node
   */
  public NodeContext with(int input, Tensor value) {
    Map<Integer, Tensor> all = new HashMap<>(others);
    all.put(input, value);
    return new NodeContext(this, all);
  }

  /**
   * Whether cotangents of this sweep travel on to an input. A rule may use it to compute together
   * what is needed together.
   *
   * @param input which input
   * @return true if {@link Rule#vjp} or {@link Rule#contribution} is asked for it
   */
  public boolean wanted(int input) {
    return wanted.test(input);
  }

  /**
   * Whether only the sum over samples will be asked of what this sweep contributes to an input
   * without a sample axis.
   *
   * @param input which input
   * @return true if {@link org.backpack4j.samediff.spi.ParameterVjp#sum} will be asked and nothing
   *     else
   */
  public boolean wantedSum(int input) {
    return wantedSum.test(input);
  }

  /**
   * The node.
   *
   * @return the node
   */
  public Node node() {
    return node;
  }

  @Override
  public DifferentialFunction function() {
    return node.function();
  }

  @Override
  public boolean hasSamples(int input) {
    return batchAxis(input).hasSamples();
  }

  /** Where ops are inserted: in the node's scope. */
  @Override
  public Emitter emit() {
    return annotations.emit();
  }

  @Override
  public int inputs() {
    return node.inputs().size();
  }

  /**
   * An input's shape.
   *
   * @param input which input
   * @return the shape, as the node reads it
   */
  public Dims dims(int input) {
    return annotations.dims(node.inputs().get(input));
  }

  /**
   * An output's shape.
   *
   * @param output which output
   * @return the shape
   */
  public Dims outputDims(int output) {
    return annotations.dims(node.outputs().get(output));
  }

  @Override
  public DataType type(int input) {
    return annotations.type(node.inputs().get(input));
  }

  /**
   * The data type in which an output's values come, and cotangents there.
   *
   * @param output which output
   * @return its type, single precision for half
   */
  public DataType outputType(int output) {
    return annotations.type(node.outputs().get(output));
  }

  /**
   * Where an input has its sample axis; what mixed samples before is of no interest any more.
   *
   * @param input which input
   * @return the batchAxis
   */
  public BatchAxis batchAxis(int input) {
    return annotations.batchAxis(node.inputs().get(input)).withoutCoupling();
  }

  /**
   * Where an output has its sample axis.
   *
   * @param output which output
   * @return the batchAxis
   */
  public BatchAxis outputPlacement(int output) {
    return annotations.batchAxis(node.outputs().get(output));
  }

  @Override
  public Dims perSample(int input) {
    return batchAxis(input).perSample(dims(input));
  }

  @Override
  public Dims outputPerSample(int output) {
    return outputPlacement(output).perSample(outputDims(output));
  }

  @Override
  public @Nullable INDArray constant(int input) {
    return annotations.constant(node.inputs().get(input));
  }

  /**
   * What an input is for a number of samples, whatever else is fed: a constant, or indices and
   * shapes that are computed from shapes alone.
   *
   * @param input which input
   * @param samples the number of samples, {@link GraphShapes#FEW} or {@link GraphShapes#MORE}
   * @return the array, not to be changed; null if it depends on data or parameters
   */
  public @Nullable INDArray settled(int input, int samples) {
    return annotations.settled(node.inputs().get(input), samples);
  }

  /**
   * What was found out about the node once, and is not to be found out again.
   *
   * @param kind the kind of answer; one for each node
   * @param find finds it out
   * @param <T> the kind of answer
   * @return the answer
   */
  public <T> T once(Class<T> kind, java.util.function.Supplier<T> find) {
    return annotations.once(node, kind, find);
  }

  /**
   * As {@link #once}, for what depends on the op, the shapes, types and batch axes of its inputs
   * and outputs, and on inputs that are settled: it is found out once for all nodes that are alike.
   *
   * @param kind the kind of answer; one for each op
   * @param find finds it out
   * @param <T> the kind of answer
   * @return the answer
   */
  public <T> T onceAlike(Class<T> kind, java.util.function.Supplier<T> find) {
    return annotations.once(node, kind, () -> annotations.onceAlike(signature(), kind, find));
  }

  private @Nullable String signature() {
    List<String> inputs = new ArrayList<>();
    for (int k = 0; k < inputs(); k++) {
      StringBuilder input = new StringBuilder();
      input.append(type(k)).append(dims(k)).append(batchAxis(k));
      for (int samples : List.of(GraphShapes.FEW, GraphShapes.MORE)) {
        INDArray value = settled(k, samples);
        String known = value == null ? "" : OpSignature.input(value);
        if (known == null) {
          return null;
        }
        input.append(known);
      }
      inputs.add(input.toString());
    }
    for (int k = 0; k < node.outputs().size(); k++) {
      inputs.add(outputDims(k).toString());
    }
    SameDiff graph = emit().graph();
    return OpSignature.of(graph, VariableLookup.op(graph, node.name()), inputs);
  }

  @Override
  public Tensor value(int input) {
    return withColumn(samplesFirst(input));
  }

  @Override
  public Tensor outputValue(int output) {
    return withColumn(annotations.samplesFirst(node.outputs().get(output)));
  }

  /**
   * An input with its samples first.
   *
   * @param input which input
   * @return [N, F…], or [1, F…] for an input without a sample axis
   */
  public Tensor samplesFirst(int input) {
    Tensor other = others.get(input);
    return other != null ? other : annotations.samplesFirst(node.inputs().get(input));
  }

  /**
   * An input as it is.
   *
   * @param input which input
   * @return its value, in its own layout
   */
  public Tensor raw(int input) {
    Tensor other = others.get(input);
    if (other == null) {
      return annotations.forward(node.inputs().get(input));
    }
    return batchAxis(input).hasSamples()
        ? annotations.columnsLaidOut(node.inputs().get(input), withColumn(other))
        : emit().reshape(other, dims(input));
  }

  /**
   * An output as it is.
   *
   * @param output which output
   * @return its value, in its own layout
   */
  public Tensor rawOutput(int output) {
    return annotations.forward(node.outputs().get(output));
  }

  private Tensor withColumn(Tensor rows) {
    return emit().reshape(rows, Dims.of(rows.dims().get(0), Dim.ONE).plus(rows.dims().from(1)));
  }

  // ---- the op's own gradient, every column as if it were a sample ----

  /**
   * The gradient of the op as ND4J defines it, on inputs that are repeated for each column, so that
   * every column is a sample. Right for an op that treats samples apart; with one column right for
   * every op.
   *
   * @param output of which output
   * @param cotangent the cotangent there, [N, V, F…], or [1, 1, F…] where it has no sample axis
   * @return for each input [N, V, F…], or [1, 1, F…] for one without a sample axis; null for one
   *     that has no gradient
   */
  public List<@Nullable Tensor> ownGradient(int output, Tensor cotangent) {
    Dim v = cotangent.dims().get(1);
    List<@Nullable Tensor> above = new ArrayList<>();
    for (int k = 0; k < node.outputs().size(); k++) {
      String variable = node.outputs().get(k);
      boolean samples = annotations.batchAxis(variable).hasSamples();
      above.add(
          k != output
              ? null
              : samples
                  ? annotations.columnsLaidOut(variable, cotangent)
                  : emit().reshape(cotangent, outputDims(k)));
    }
    boolean asItIs = v.isOne() && !narrow();
    List<Dims> shapes = new ArrayList<>();
    List<Tensor> repeated = new ArrayList<>();
    for (int k = 0; k < inputs(); k++) {
      String variable = node.inputs().get(k);
      boolean samples = batchAxis(k).hasSamples();
      shapes.add(samples ? annotations.withColumns(variable, v) : dims(k));
      if (!asItIs) {
        repeated.add(samples ? annotations.columnsLaidOut(variable, repeated(k, v)) : raw(k));
      }
    }
    List<@Nullable Tensor> own = emit().ownGradient(node, asItIs ? null : repeated, above, shapes);
    List<@Nullable Tensor> columns = new ArrayList<>();
    for (int k = 0; k < inputs(); k++) {
      Tensor gradient = own.get(k);
      columns.add(
          gradient == null
              ? null
              : batchAxis(k).hasSamples()
                  ? annotations.columns(node.inputs().get(k), gradient, v)
                  : emit().reshape(gradient, Dims.of(Dim.ONE, Dim.ONE).plus(dims(k))));
    }
    return columns;
  }

  /** Whether the node reads half precision. */
  private boolean narrow() {
    return node.inputs().stream().anyMatch(v -> annotations.ownType(v) != annotations.type(v));
  }

  private Tensor repeated(int input, Dim v) {
    Tensor value = value(input);
    return emit().broadcast(value, value.dims().with(1, v));
  }

  // ---- broadcasting: an input beside an output, axes counted from the last ----

  /**
   * The per-sample shape of an input, with ones where the output's is broadcast against it.
   *
   * @param input which input
   * @param output the output that it is broadcast to
   * @return a shape of the rank of the output's F
   */
  public Dims alignedDims(int input, int output) {
    Dims out = outputDims(output);
    BatchAxis place = outputPlacement(output);
    List<Dim> aligned = new ArrayList<>();
    int missing = out.rank() - dims(input).rank();
    for (int k = 0; k < out.rank(); k++) {
      Dim dim = k < missing ? Dim.ONE : dims(input).get(k - missing);
      if (place.hasSamples() && k == place.axis()) {
        if (place.folded()) {
          aligned.add(dim.samples() ? Dim.of(dim.size()) : Dim.ONE);
        }
      } else {
        aligned.add(dim);
      }
    }
    return new Dims(aligned);
  }

  /**
   * An input in the arrangement of cotangents at an output that it is broadcast to.
   *
   * @param input which input
   * @param output the output
   * @return [N, 1, …] or [1, 1, …] with ones where it is broadcast
   */
  public Tensor aligned(int input, int output) {
    Tensor rows = samplesFirst(input);
    return emit()
        .reshape(rows, Dims.of(rows.dims().get(0), Dim.ONE).plus(alignedDims(input, output)));
  }

  /**
   * A tangent at an input in the arrangement of those at an output that it is broadcast to.
   *
   * @param input the input
   * @param output the output
   * @param tangent [N, V, F…] at the input
   * @return [N, V, …] with ones where it is broadcast
   */
  public Tensor alignedTangent(int input, int output, Tensor tangent) {
    return emit().reshape(tangent, tangent.dims().range(0, 2).plus(alignedDims(input, output)));
  }

  /**
   * Repeats what stands once for many entries of an output: the Jacobian of broadcasting.
   *
   * @param output the output
   * @param aligned [N, V, …] with the rank of a tangent at the output, extents may be one
   * @return [N, V, F…]
   */
  public Tensor filled(int output, Tensor aligned) {
    return emit().broadcast(aligned, aligned.dims().range(0, 2).plus(outputPerSample(output)));
  }

  /**
   * Adds up what was broadcast: the transposed Jacobian of broadcasting.
   *
   * @param input the input that was broadcast
   * @param output the output
   * @param cotangent [N, V, …] with the rank of a cotangent at the output; where the input was
   *     broadcast, extents may be one
   * @return [N, V, F…] at the input
   */
  public Tensor unaligned(int input, int output, Tensor cotangent) {
    Tensor sum = summed(cotangent, alignedDims(input, output));
    return emit().reshape(sum, sum.dims().range(0, 2).plus(perSample(input)));
  }

  /**
   * Adds a cotangent up along the axes on which something stood once for all of its entries.
   *
   * @param cotangent [N, V, …]; extents may be one where {@code aligned} is not
   * @param aligned a per-sample shape of the cotangent's rank less two, one where there is a sum
   * @return [N, V, aligned…]
   */
  public Tensor summed(Tensor cotangent, Dims aligned) {
    Tensor sum = cotangent;
    int end = aligned.rank();
    while (end > 0) {
      int start = end;
      while (start > 0 && aligned.get(start - 1).isOne() && !sum.dims().get(start + 1).isOne()) {
        start--;
      }
      if (start < end) {
        Dims kept =
            sum.dims()
                .range(0, start + 2)
                .plus(Dims.ones(end - start))
                .plus(sum.dims().from(end + 2));
        sum = emit().reshape(emit().sum(sum, start + 2, end + 2), kept);
        end = start;
      } else {
        end--;
      }
    }
    return emit().broadcast(sum, sum.dims().range(0, 2).plus(aligned));
  }
}
