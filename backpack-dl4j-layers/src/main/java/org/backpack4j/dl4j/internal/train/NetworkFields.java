package org.backpack4j.dl4j.internal.train;

import java.lang.reflect.Field;
import java.util.Objects;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.api.layers.IOutputLayer;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.Solver;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** What both kinds of networks have, where DL4J has no interface for it, or no method at all. */
final class NetworkFields {
  private static final Field SOLVER = field(MultiLayerNetwork.class, "solver");
  private static final Field SOLVER_OF_GRAPH = field(ComputationGraph.class, "solver");
  private static final Field LABELS_OF_GRAPH = field(ComputationGraph.class, "labels");

  private NetworkFields() {}

  private static Field field(Class<?> type, String name) {
    try {
      Field field = type.getDeclaredField(name);
      field.setAccessible(true);
      return field;
    } catch (NoSuchFieldException e) {
      throw new IllegalStateException("This is not the DL4J that this was made for.", e);
    }
  }

  private static @Nullable Object get(Field field, Model net) {
    try {
      return field.get(net);
    } catch (IllegalAccessException e) {
      throw new IllegalStateException("The field was made accessible.", e);
    }
  }

  /** What optimises; null before the first updater is made. */
  static @Nullable Solver solver(Model net) {
    return (Solver) get(net instanceof ComputationGraph ? SOLVER_OF_GRAPH : SOLVER, net);
  }

  static void setSolver(Model net, Solver solver) {
    try {
      (net instanceof ComputationGraph ? SOLVER_OF_GRAPH : SOLVER).set(net, solver);
    } catch (IllegalAccessException e) {
      throw new IllegalStateException("The field was made accessible.", e);
    }
  }

  static Layer[] layers(Model net) {
    return net instanceof ComputationGraph graph
        ? graph.getLayers()
        : ((MultiLayerNetwork) net).getLayers();
  }

  static int iteration(Model net) {
    return net instanceof ComputationGraph graph
        ? graph.getIterationCount()
        : ((MultiLayerNetwork) net).getIterationCount();
  }

  static int epoch(Model net) {
    return net instanceof ComputationGraph graph
        ? graph.getEpochCount()
        : ((MultiLayerNetwork) net).getEpochCount();
  }

  /** The network's counters in all its layers, as at the beginning of DL4J's pass. */
  static void tellCounters(Model net) {
    int iteration = iteration(net);
    int epoch = epoch(net);
    for (Layer layer : layers(net)) {
      layer.setIterationCount(iteration);
      layer.setEpochCount(epoch);
    }
  }

  /** The labels in the output layers, as in DL4J's backward pass. */
  static void tellLabels(Model net) {
    if (net instanceof ComputationGraph graph) {
      INDArray[] labels = (INDArray[]) Objects.requireNonNull(get(LABELS_OF_GRAPH, net));
      for (int k = 0; k < labels.length; k++) {
        if (graph.getOutputLayer(k) instanceof IOutputLayer layer) {
          layer.setLabels(labels[k]);
        }
      }
    } else if (((MultiLayerNetwork) net).getOutputLayer() instanceof IOutputLayer layer) {
      layer.setLabels(((MultiLayerNetwork) net).getLabels());
    }
  }

  /** The output layers, in DL4J's order. */
  static Layer[] outputs(Model net) {
    if (net instanceof ComputationGraph graph) {
      Layer[] outputs = new Layer[graph.getNumOutputArrays()];
      for (int k = 0; k < outputs.length; k++) {
        outputs[k] = graph.getOutputLayer(k);
      }
      return outputs;
    }
    return new Layer[] {((MultiLayerNetwork) net).getOutputLayer()};
  }

  /** The listeners themselves, not a copy. */
  static java.util.Collection<TrainingListener> listeners(Model net) {
    return net instanceof ComputationGraph graph
        ? graph.getListeners()
        : ((MultiLayerNetwork) net).getListeners();
  }

  static @Nullable INDArray flattenedGradient(Model net) {
    return net instanceof ComputationGraph graph
        ? graph.getFlattenedGradients()
        : ((MultiLayerNetwork) net).getFlattenedGradients();
  }

  static void set(Model net, Gradient gradient, double score) {
    if (net instanceof ComputationGraph graph) {
      graph.setGradient(gradient);
      graph.setScore(score);
    } else {
      ((MultiLayerNetwork) net).setGradient(gradient);
      ((MultiLayerNetwork) net).setScore(score);
    }
  }

  /** The summand of l1, l2 and weight decay in DL4J's score. */
  static double penalty(Model net) {
    return net instanceof ComputationGraph graph
        ? graph.calcRegularizationScore(true)
        : ((MultiLayerNetwork) net).calcRegularizationScore(true);
  }
}
