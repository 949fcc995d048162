package org.backpack4j.samediff.internal.autodiff;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.backpack4j.samediff.internal.ir.BatchAxis;
import org.backpack4j.samediff.internal.ir.Node;
import org.backpack4j.samediff.internal.ir.Precision;
import org.backpack4j.samediff.internal.shape.GraphShapes;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.VariableType;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * What is known of a graph before it is extended: its nodes in order, shapes, and where the sample
 * axis is.
 */
public final class Annotations {
  private final GraphShapes shapes;
  private final Emitter emit;
  private final Map<String, BatchAxis> batchAxes = new HashMap<>();
  private final Map<String, Node> producers = new HashMap<>();
  private final Map<String, List<Node>> readers = new HashMap<>();
  private final Map<String, Map<Class<?>, Object>> answers = new HashMap<>();
  private final Map<String, Object> alike = new HashMap<>();

  /**
   * A graph with known shapes.
   *
   * @param shapes nodes in order, and every variable's shape
   * @param emit where ops are inserted
   */
  public Annotations(GraphShapes shapes, Emitter emit) {
    this.shapes = shapes;
    this.emit = emit;
    for (Node node : shapes.nodes()) {
      node.outputs().forEach(o -> producers.put(o, node));
      Set.copyOf(node.inputs())
          .forEach(i -> readers.computeIfAbsent(i, v -> new ArrayList<>()).add(node));
    }
    shapes.graph().variables().stream()
        .filter(v -> v.getVariableType() != VariableType.ARRAY)
        .forEach(v -> batchAxes.put(v.name(), shapes.entrance(v.name())));
  }

  /**
   * The nodes, each behind those whose results it reads.
   *
   * @return the nodes
   */
  public List<Node> nodes() {
    return shapes.nodes();
  }

  /**
   * The node that computes a variable.
   *
   * @param variable the variable's name
   * @return the node; null for a placeholder, parameter or constant
   */
  public @Nullable Node producer(String variable) {
    return producers.get(variable);
  }

  /**
   * The nodes that read a variable.
   *
   * @param variable the variable's name
   * @return the nodes in order, each once
   */
  public List<Node> readers(String variable) {
    return readers.getOrDefault(variable, List.of());
  }

  /**
   * Where ops are inserted.
   *
   * @return the emitter
   */
  public Emitter emit() {
    return emit;
  }

  /**
   * Notes where a variable has its sample axis. One without a sample axis that is settled by shapes
   * alone is the same for every sample, whatever it was read off: a parameter that meets it meets a
   * number, not the samples.
   *
   * @param variable the variable's name
   * @param batchAxis where its op's rule says that it has its sample axis
   */
  public void place(String variable, BatchAxis batchAxis) {
    boolean number = !batchAxis.hasSamples() && shapes.isSettled(variable);
    batchAxes.put(variable, number ? BatchAxis.UNBATCHED : batchAxis);
  }

  /**
   * Where a variable has the samples.
   *
   * @param variable the name of any variable
   * @return the place; null for one that was emitted
   */
  public @Nullable BatchAxis knownPlacement(String variable) {
    return batchAxes.get(variable);
  }

  /**
   * Where a variable has its sample axis.
   *
   * @param variable the variable's name
   * @return the batchAxis
   */
  public BatchAxis batchAxis(String variable) {
    BatchAxis batchAxis = batchAxes.get(variable);
    if (batchAxis == null) {
      throw new IllegalStateException("the sample axis of \"" + variable + "\" is not known");
    }
    return batchAxis;
  }

  /**
   * A variable's shape.
   *
   * @param variable the variable's name
   * @return the shape
   */
  public Dims dims(String variable) {
    return shapes.dims(variable);
  }

  /**
   * The data type in which a variable is worked with.
   *
   * @param variable the variable's name
   * @return its own type, single precision for half ({@link Precision#working})
   */
  public DataType type(String variable) {
    return Precision.working(ownType(variable));
  }

  /**
   * A variable's data type.
   *
   * @param variable the variable's name
   * @return the type that it has in the graph
   */
  public DataType ownType(String variable) {
    return shapes.type(variable);
  }

  /**
   * The values of a constant, also through the reshapes at the graph's entrance.
   *
   * @param variable the variable's name
   * @return the array; null if the variable is no constant
   */
  public @Nullable INDArray constant(String variable) {
    SDVariable v = shapes.graph().getVariable(variable);
    if (v.getVariableType() == VariableType.CONSTANT) {
      return v.getArr();
    }
    Node producer = producers.get(variable);
    if (producer != null && producer.op().equals("reshape")) {
      INDArray array = constant(producer.inputs().get(0));
      return array == null ? null : array.reshape('c', dims(variable).toLongs());
    }
    return null;
  }

  /**
   * What a variable is for a number of samples, whatever else is fed: a constant, or indices and
   * shapes that are computed from shapes alone.
   *
   * @param variable the variable's name
   * @param samples the number of samples, {@link GraphShapes#FEW} or {@link GraphShapes#MORE}
   * @return the array, not to be changed; null if it depends on data or parameters
   */
  public @Nullable INDArray settled(String variable, int samples) {
    INDArray constant = constant(variable);
    return constant != null ? constant : shapes.settled(variable, samples);
  }

  /**
   * Whether a variable depends on nothing but the number of samples.
   *
   * @param variable the variable's name
   * @return true if it is computed from shapes and constants alone
   */
  public boolean isSettled(String variable) {
    return shapes.isSettled(variable);
  }

  /**
   * What was found out about a node once, and is not to be found out again.
   *
   * @param node the node
   * @param kind the kind of answer; one for each node
   * @param find finds it out
   * @param <T> the kind of answer
   * @return the answer
   */
  public <T> T once(Node node, Class<T> kind, java.util.function.Supplier<T> find) {
    Map<Class<?>, Object> known = answers.computeIfAbsent(node.name(), n -> new HashMap<>());
    Object answer = known.get(kind);
    if (answer == null) {
      answer = find.get();
      known.put(kind, answer);
    }
    return kind.cast(answer);
  }

  /**
   * What was found out about an op, for every other op that is like it.
   *
   * @param signature all that the answer depends on; null if no other op is like it
   * @param kind the kind of answer; one for each signature
   * @param find finds it out
   * @param <T> the kind of answer
   * @return the answer
   */
  <T> T onceAlike(@Nullable String signature, Class<T> kind, java.util.function.Supplier<T> find) {
    if (signature == null) {
      return find.get();
    }
    Object answer = alike.get(signature);
    if (answer == null) {
      answer = find.get();
      alike.put(signature, answer);
    }
    return kind.cast(answer);
  }

  /**
   * A variable as it is, apart from its precision.
   *
   * @param variable the variable's name
   * @return its value, in its own layout and of {@link #type}
   */
  public Tensor forward(String variable) {
    Tensor own =
        emit.wrap(
            shapes.graph().getVariable(variable),
            dims(variable),
            batchAxis(variable).kind() != BatchAxis.Kind.UNBATCHED);
    return emit.cast(own, type(variable));
  }

  /**
   * A variable with its samples first.
   *
   * @param variable the variable's name
   * @return [N, F…], or [1, F…] for a variable without a sample axis
   */
  public Tensor samplesFirst(String variable) {
    return samplesFirst(variable, forward(variable));
  }

  /**
   * A value in a variable's layout with its samples first.
   *
   * @param variable the variable's name
   * @param raw a value of its shape
   * @return [N, F…], or [1, F…] for a variable without a sample axis
   */
  public Tensor samplesFirst(String variable, Tensor raw) {
    BatchAxis place = batchAxis(variable);
    Dims dims = raw.dims();
    if (!place.hasSamples()) {
      return emit.reshape(raw, Dims.of(Dim.ONE).plus(dims));
    }
    Dim before = dims.range(0, place.axis()).product().times(Dim.of(place.outer()));
    Dim behind = dims.from(place.axis() + 1).product().times(Dim.of(place.inner()));
    Dims target = Dims.of(Dim.N).plus(place.perSample(dims));
    if (before.isOne()) {
      return emit.reshape(raw, target);
    }
    Tensor cube = emit.reshape(raw, Dims.of(before, Dim.N, behind));
    return emit.reshape(emit.permute(cube, 1, 0, 2), target);
  }

  /**
   * The way back: a value with its samples first in a variable's own layout.
   *
   * @param variable the variable's name
   * @param rows [N, F…], or [1, F…] for a variable without a sample axis
   * @return the value in the variable's layout
   */
  public Tensor asLaidOut(String variable, Tensor rows) {
    BatchAxis place = batchAxis(variable);
    Dims dims = dims(variable);
    if (!place.hasSamples()) {
      return emit.reshape(rows, dims);
    }
    Dim before = dims.range(0, place.axis()).product().times(Dim.of(place.outer()));
    Dim behind = dims.from(place.axis() + 1).product().times(Dim.of(place.inner()));
    if (before.isOne()) {
      return emit.reshape(rows, dims);
    }
    Tensor cube = emit.reshape(rows, Dims.of(Dim.N, before, behind));
    return emit.reshape(emit.permute(cube, 1, 0, 2), dims);
  }

  /**
   * Columns in a variable's own layout, as if every column were a sample.
   *
   * @param variable the variable's name; it has a sample axis
   * @param columns [N, V, F…]
   * @return the variable's shape with N·V samples
   */
  public Tensor columnsLaidOut(String variable, Tensor columns) {
    BatchAxis place = batchAxis(variable);
    Dim v = columns.dims().get(1);
    Dims target = withColumns(variable, v);
    Dim before = dims(variable).range(0, place.axis()).product().times(Dim.of(place.outer()));
    Dim behind = dims(variable).from(place.axis() + 1).product().times(Dim.of(place.inner()));
    if (before.isOne()) {
      return emit.reshape(columns, target);
    }
    Tensor cube = emit.reshape(columns, Dims.of(Dim.N.times(v), before, behind));
    return emit.reshape(emit.permute(cube, 1, 0, 2), target);
  }

  /**
   * The way back: what has a variable's own layout, every column as if it were a sample.
   *
   * @param variable the variable's name; it has a sample axis
   * @param laidOut the variable's shape with N·V samples
   * @param v the number of columns V
   * @return [N, V, F…]
   */
  public Tensor columns(String variable, Tensor laidOut, Dim v) {
    BatchAxis place = batchAxis(variable);
    Dims dims = dims(variable);
    Dim before = dims.range(0, place.axis()).product().times(Dim.of(place.outer()));
    Dim behind = dims.from(place.axis() + 1).product().times(Dim.of(place.inner()));
    Dims target = Dims.of(Dim.N, v).plus(place.perSample(dims));
    if (before.isOne()) {
      return emit.reshape(laidOut, target);
    }
    Tensor cube = emit.reshape(laidOut, Dims.of(before, Dim.N.times(v), behind));
    return emit.reshape(emit.permute(cube, 1, 0, 2), target);
  }

  /**
   * A variable's shape, every column as if it were a sample.
   *
   * @param variable the variable's name; it has a sample axis
   * @param v the number of columns V
   * @return the shape with N·V samples
   */
  public Dims withColumns(String variable, Dim v) {
    int axis = batchAxis(variable).axis();
    return dims(variable).with(axis, dims(variable).get(axis).times(v));
  }
}
