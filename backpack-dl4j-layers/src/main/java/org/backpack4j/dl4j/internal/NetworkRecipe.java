package org.backpack4j.dl4j.internal;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.TreeSet;
import org.backpack4j.dl4j.BatchStatistics;
import org.backpack4j.dl4j.NetworkGraphs;
import org.backpack4j.dl4j.Scale;
import org.backpack4j.dl4j.spi.ConverterProvider;
import org.backpack4j.samediff.dataset.GraphRecipe;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.internal.dataset.Contents;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.util.ModelSerializer;

/** A network in DL4J's saved form, without its updater, and what its graphs are made with. */
public final class NetworkRecipe implements GraphRecipe {
  private static final long serialVersionUID = 1L;

  private final byte[] network;
  private final boolean computationGraph;
  private final String parameters;
  private final ArrayList<Extension> extensions;
  private final TreeSet<String> named;
  private final ArrayList<ConverterProvider> converters;
  private final Scale scale;
  private final BatchStatistics statistics;

  /**
   * A recipe.
   *
   * @param net the network, parameters as they are now
   * @param extensions the quantities
   * @param named the parameters that were chosen; none for all
   * @param converters what registers a person's own
   */
  public NetworkRecipe(
      Model net,
      Extension[] extensions,
      Collection<String> named,
      Collection<ConverterProvider> converters,
      Scale scale,
      BatchStatistics statistics) {
    this.network = saved(net);
    this.computationGraph = net instanceof ComputationGraph;
    this.parameters = digest(net);
    this.extensions = new ArrayList<>(Arrays.asList(extensions));
    this.named = new TreeSet<>(named);
    this.converters = new ArrayList<>(converters);
    this.scale = scale;
    this.statistics = statistics;
  }

  private static byte[] saved(Model net) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try {
      ModelSerializer.writeModel(net, bytes, false);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  private static String digest(Model net) {
    return new Contents().add(net.params()).text();
  }

  @Override
  public NetworkGraphs make() {
    Model net;
    try {
      ByteArrayInputStream bytes = new ByteArrayInputStream(network);
      net =
          computationGraph
              ? ModelSerializer.restoreComputationGraph(bytes, false)
              : ModelSerializer.restoreMultiLayerNetwork(bytes, false);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    if (!digest(net).equals(parameters)) {
      throw new IllegalStateException(
          "The network's parameters are others here than where it was saved: all machines need the"
              + " same version of Deeplearning4j.");
    }
    return NetworkGraphs.of(net, extensions.toArray(Extension[]::new))
        .scale(scale)
        .statistics(statistics)
        .converters(converters.toArray(ConverterProvider[]::new))
        .parameters(named.toArray(String[]::new));
  }

  @Override
  public List<Extension> extensions() {
    return List.copyOf(extensions);
  }

  /** DL4J's networks are for one thread at a time. */
  @Override
  public boolean shared() {
    return false;
  }
}
