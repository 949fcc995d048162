package org.backpack4j.dl4j.weights;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.backpack4j.dl4j.BatchStatistics;
import org.backpack4j.dl4j.NetworkGraphs;
import org.backpack4j.dl4j.internal.trained.EvaluationMode;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.dataset.BatchGraphs;
import org.backpack4j.samediff.extension.Extension;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.graph.FrozenVertex;
import org.deeplearning4j.nn.conf.graph.LayerVertex;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.graph.vertex.GraphVertex;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.VariableType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The parameters of a network or a graph by name, as they are now. */
abstract class WeightTable {
  /** The parameters' own arrays, in the model's order. */
  abstract Map<String, INDArray> arrays();

  /** For each layer its weights: no biases, nothing that is frozen. Of a graph each by itself. */
  abstract Map<String, List<String>> weights();

  /** The model's graphs in evaluation mode. */
  abstract Graphs graphs(Extension... extensions);

  /** Graphs, and what frees them. */
  record Graphs(BatchGraphs of, AutoCloseable resource) {}

  static WeightTable of(Model net) {
    return new OfNetwork(net);
  }

  static WeightTable of(SameDiff sd) {
    return new OfGraph(sd);
  }

  /** A parameter's own array. */
  INDArray array(String name) {
    INDArray found = arrays().get(name);
    if (found == null) {
      throw new IllegalArgumentException(
          "There is no parameter \"" + name + "\"; there are " + arrays().keySet() + ".");
    }
    return found;
  }

  /** Refuses an array that is not of a parameter's shape. */
  void fit(String name, long[] shape, String what) {
    INDArray own = array(name);
    if (!Arrays.equals(own.shape(), shape)) {
      throw new IllegalArgumentException(
          "%s of \"%s\" has the shape %s, the parameter %s: it is of another model."
              .formatted(what, name, Arrays.toString(shape), Arrays.toString(own.shape())));
    }
  }

  private static final class OfNetwork extends WeightTable {
    private final Model net;

    OfNetwork(Model net) {
      this.net = net;
    }

    @Override
    Map<String, INDArray> arrays() {
      return net.paramTable();
    }

    @Override
    Map<String, List<String>> weights() {
      Map<String, List<String>> weights = new LinkedHashMap<>();
      if (net instanceof ComputationGraph graph) {
        for (GraphVertex vertex : graph.getVertices()) {
          String name = vertex.getVertexName();
          org.deeplearning4j.nn.conf.graph.GraphVertex conf =
              graph.getConfiguration().getVertices().get(name);
          if (conf instanceof LayerVertex layer) {
            add(weights, name, keys(layer.getLayerConf().getLayer()));
          } else if (conf != null && !(conf instanceof FrozenVertex)) {
            add(weights, name, keys(vertex.paramTable(false)));
          }
        }
      } else {
        MultiLayerConfiguration conf = ((MultiLayerNetwork) net).getLayerWiseConfigurations();
        for (int k = 0; k < conf.getConfs().size(); k++) {
          add(weights, Integer.toString(k), keys(conf.getConf(k).getLayer()));
        }
      }
      return weights;
    }

    /** A frozen layer says that it has none. */
    private static List<String> keys(Layer conf) {
      return conf.initializer().weightKeys(conf);
    }

    /** A vertex does not say; a bias has a single row. */
    private static List<String> keys(@Nullable Map<String, INDArray> table) {
      return table == null
          ? List.of()
          : table.entrySet().stream()
              .filter(e -> e.getValue().rank() > 1 && e.getValue().size(0) > 1)
              .map(Map.Entry::getKey)
              .toList();
    }

    private static void add(Map<String, List<String>> weights, String name, List<String> keys) {
      if (!keys.isEmpty()) {
        weights.put(name, keys.stream().map(key -> name + "_" + key).toList());
      }
    }

    @Override
    Graphs graphs(Extension... extensions) {
      NetworkGraphs graphs =
          NetworkGraphs.of(EvaluationMode.of(net), extensions).statistics(BatchStatistics.RUNNING);
      return new Graphs(graphs, graphs);
    }
  }

  private static final class OfGraph extends WeightTable {
    private final SameDiff sd;

    OfGraph(SameDiff sd) {
      this.sd = sd;
    }

    @Override
    Map<String, INDArray> arrays() {
      Map<String, INDArray> arrays = new LinkedHashMap<>();
      for (SDVariable v : sd.variables()) {
        if (v.getVariableType() == VariableType.VARIABLE && v.dataType().isFPType()) {
          arrays.put(v.name(), v.getArr());
        }
      }
      return arrays;
    }

    @Override
    Map<String, List<String>> weights() {
      Map<String, List<String>> weights = new LinkedHashMap<>();
      arrays()
          .forEach(
              (name, array) -> {
                if (array.rank() > 1) {
                  weights.put(name, List.of(name));
                }
              });
      return weights;
    }

    @Override
    Graphs graphs(Extension... extensions) {
      ExtendedGraph graph = BackPack.extend(sd, extensions);
      return new Graphs(BatchGraphs.same(graph), graph);
    }
  }
}
