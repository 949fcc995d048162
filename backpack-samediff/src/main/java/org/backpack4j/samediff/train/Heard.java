package org.backpack4j.samediff.train;

import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.internal.nd4j.VariableLookup;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.listeners.At;
import org.nd4j.autodiff.listeners.BaseListener;
import org.nd4j.autodiff.listeners.Listener;
import org.nd4j.autodiff.listeners.ListenerResponse;
import org.nd4j.autodiff.listeners.ListenerVariables;
import org.nd4j.autodiff.listeners.Loss;
import org.nd4j.autodiff.listeners.Operation;
import org.nd4j.autodiff.listeners.impl.HistoryListener;
import org.nd4j.autodiff.listeners.records.History;
import org.nd4j.autodiff.listeners.records.LossCurve;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.autodiff.samediff.internal.Variable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;

/** The listeners of a training, called as M2.1 calls them, in its order. */
final class Heard {
  private final SameDiff graph;
  private final HistoryListener history;

  /** All that hear something of a training: the history first. */
  private final List<Listener> all = new ArrayList<>();

  Heard(SameDiff graph, List<Listener> added) {
    this.graph = graph;
    this.history = new HistoryListener(graph.getTrainingConfig());
    all.add(history);
    Stream.concat(graph.getListeners().stream(), added.stream()).distinct().forEach(all::add);
    all.forEach(Heard::check);
    all.forEach(this::checkVariables);
  }

  /** A planned execution has other ops than the graph, of which nobody is told. */
  static void check(Listener listener) {
    for (Method method : listener.getClass().getMethods()) {
      boolean ofOps = method.getName().matches("opExecution|preOpExecution");
      if (ofOps && !method.isBridge() && method.getDeclaringClass() != BaseListener.class) {
        throw new IllegalArgumentException(
            listener.getClass().getName()
                + " hears each op ("
                + method.getName()
                + "), and planned steps have other ops than the graph: train with sd.fit(…), or"
                + " leave it out.");
      }
    }
  }

  private void checkVariables(Listener listener) {
    for (Operation operation : List.of(Operation.TRAINING, Operation.TRAINING_VALIDATION)) {
      for (String name : wanted(listener, operation)) {
        if (!graph.hasVariable(name)) {
          throw new IllegalArgumentException(
              listener.getClass().getName()
                  + " asks for the variable \""
                  + name
                  + "\", which is not in the graph.");
        }
      }
    }
  }

  private Set<String> wanted(Listener listener, Operation operation) {
    @Nullable ListenerVariables variables = listener.requiredVariables(graph);
    @Nullable Set<String> names = variables == null ? null : variables.requiredVariables(operation);
    return names == null ? Set.of() : names;
  }

  private List<Listener> active(Operation operation) {
    return all.stream().filter(listener -> listener.isActive(operation)).toList();
  }

  /** The variables that some listener wants to see. */
  Set<String> activations(Operation operation) {
    Set<String> names = new LinkedHashSet<>();
    active(operation).forEach(listener -> names.addAll(wanted(listener, operation)));
    names.removeIf(name -> VariableLookup.variable(graph, name).getOutputOfOp() == null);
    return names;
  }

  void activation(At at, MultiDataSet batch, String name, INDArray value) {
    SameDiffOp op = VariableLookup.op(graph, VariableLookup.variable(graph, name).getOutputOfOp());
    for (Listener listener : active(at.operation())) {
      if (wanted(listener, at.operation()).contains(name)) {
        listener.activationAvailable(graph, at, batch, op, name, value);
      }
    }
  }

  void operationStart(Operation operation) {
    active(operation).forEach(listener -> listener.operationStart(graph, operation));
  }

  void operationEnd(Operation operation) {
    active(operation).forEach(listener -> listener.operationEnd(graph, operation));
  }

  void epochStart(At at) {
    active(at.operation()).forEach(listener -> listener.epochStart(graph, at));
  }

  /** Answers whether the training goes on. */
  boolean epochEnd(At at, LossCurve curve, long milliseconds) {
    boolean goesOn = true;
    for (Listener listener : active(at.operation())) {
      goesOn &= listener.epochEnd(graph, at, curve, milliseconds) != ListenerResponse.STOP;
    }
    return goesOn;
  }

  boolean validationDone(At at, long milliseconds) {
    boolean goesOn = true;
    for (Listener listener : active(Operation.TRAINING)) {
      goesOn &= listener.validationDone(graph, at, milliseconds) != ListenerResponse.STOP;
    }
    return goesOn;
  }

  void iterationStart(At at, MultiDataSet batch, long milliseconds) {
    active(at.operation())
        .forEach(listener -> listener.iterationStart(graph, at, batch, milliseconds));
  }

  void iterationDone(At at, MultiDataSet batch, @Nullable Loss loss) {
    active(at.operation()).forEach(listener -> listener.iterationDone(graph, at, batch, loss));
  }

  void preUpdate(At at, Variable variable, INDArray update) {
    active(at.operation()).forEach(listener -> listener.preUpdate(graph, at, variable, update));
  }

  /** Evaluates what the listeners want to see of validation data. */
  void validate(ExtendedGraph extended, MultiDataSetIterator data, int epoch) {
    At at = new At(epoch, 0, 0, 0, null, Operation.TRAINING_VALIDATION);
    Set<String> names = activations(at.operation());
    operationStart(at.operation());
    if (!data.hasNext() && data.resetSupported()) {
      data.reset();
    }
    while (data.hasNext()) {
      long asked = System.currentTimeMillis();
      MultiDataSet batch = data.next();
      iterationStart(at, batch, System.currentTimeMillis() - asked);
      if (!names.isEmpty()) {
        Map<String, INDArray> values = extended.output(extended.feeds(batch), names);
        names.forEach(
            name -> activation(at, batch, name, Objects.requireNonNull(values.get(name))));
      }
      iterationDone(at, batch, null);
      at.setIteration(at.iteration() + 1);
    }
    operationEnd(at.operation());
  }

  History report() {
    return history.getReport();
  }
}
