package org.backpack4j.dl4j.influence;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.backpack4j.dl4j.BatchStatistics;
import org.backpack4j.dl4j.NetworkGraphs;
import org.backpack4j.dl4j.Scale;
import org.backpack4j.dl4j.internal.trained.EvaluationMode;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.dataset.BatchGraphs;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.internal.dataset.Contents;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.VariableType;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** A trained network or graph, as it is in evaluation. */
interface Subject {
  /**
   * Graphs with quantities of some parameters.
   *
   * @param parameters their names; none for all
   */
  Opened open(List<String> parameters, Extension... extensions);

  /** The names of layers that parameters may belong to; none of a graph without layers. */
  Set<String> layers();

  /** A checksum of all parameters, running statistics included. */
  String digest();

  /** Graphs that keep memory. */
  record Opened(BatchGraphs graphs, Runnable closing) implements AutoCloseable {
    @Override
    public void close() {
      closing.run();
    }
  }

  /**
   * The parameters of layers.
   *
   * @param layers names of layers or of parameters; none for all
   * @param batch a batch, by whose shapes the network is converted
   * @return the names of those that are trained, sorted
   * @throws IllegalArgumentException if a name is neither a layer's with parameters nor a
   *     parameter's
   */
  default List<String> parameters(List<String> layers, MultiDataSet batch) {
    try (Opened opened = open(List.of())) {
      List<String> all = opened.graphs().of(batch).graph().parameters();
      Set<String> chosen = new LinkedHashSet<>();
      Set<String> unknown = new TreeSet<>();
      for (String layer : layers) {
        List<String> own =
            all.stream().filter(p -> p.equals(layer) || layer.equals(owner(p))).toList();
        chosen.addAll(own);
        if (own.isEmpty()) {
          unknown.add(layer);
        }
      }
      if (!unknown.isEmpty()) {
        throw new IllegalArgumentException(
            "layers(…) names "
                + unknown
                + ", which are neither layers with trained parameters nor such parameters. Trained"
                + " parameters are "
                + all
                + ".");
      }
      return layers.isEmpty() ? all : all.stream().filter(chosen::contains).toList();
    }
  }

  /** The layer that a parameter belongs to; empty if there are none. */
  private String owner(String parameter) {
    return layers().stream()
        .filter(layer -> parameter.startsWith(layer + "_"))
        .max(Comparator.comparingInt(String::length))
        .orElse("");
  }

  /** A network of Deeplearning4j. */
  static Subject of(Model net) {
    return new Subject() {
      @Override
      public Opened open(List<String> parameters, Extension... extensions) {
        NetworkGraphs graphs =
            NetworkGraphs.of(EvaluationMode.of(net), extensions)
                .scale(Scale.SUM)
                .statistics(BatchStatistics.RUNNING)
                .parameters(parameters.toArray(String[]::new));
        return new Opened(graphs, graphs::close);
      }

      @Override
      public Set<String> layers() {
        return net instanceof ComputationGraph graph
            ? graph.getConfiguration().getVertices().keySet()
            : IntStream.range(0, ((MultiLayerNetwork) net).getnLayers())
                .mapToObj(Integer::toString)
                .collect(Collectors.toSet());
      }

      @Override
      public String digest() {
        return new Contents().add(net.params()).text();
      }
    };
  }

  /** A graph with a training configuration. */
  static Subject of(SameDiff sd) {
    if (sd.getTrainingConfig() == null) {
      throw new IllegalArgumentException(
          "The graph has no training configuration, which says which placeholders features and"
              + " labels go to: setTrainingConfig(…) with dataSetFeatureMapping and"
              + " dataSetLabelMapping.");
    }
    return new Subject() {
      @Override
      public Opened open(List<String> parameters, Extension... extensions) {
        BackPack.Builder builder = BackPack.on(sd);
        if (!parameters.isEmpty()) {
          builder.parameters(parameters.toArray(String[]::new));
        }
        ExtendedGraph graph = builder.extend(extensions);
        return new Opened(BatchGraphs.same(graph), graph::close);
      }

      @Override
      public Set<String> layers() {
        return Set.of();
      }

      @Override
      public String digest() {
        Contents contents = new Contents();
        List<String> names = new ArrayList<>();
        for (SDVariable variable : sd.variables()) {
          if (variable.getVariableType() == VariableType.VARIABLE) {
            names.add(variable.name());
          }
        }
        names.stream().sorted().forEach(name -> contents.add(sd.getVariable(name).getArr()));
        return contents.text();
      }
    };
  }
}
