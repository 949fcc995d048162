package org.backpack4j.dl4j;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.backpack4j.dl4j.internal.NetworkConverter;
import org.backpack4j.dl4j.internal.NetworkRecipe;
import org.backpack4j.dl4j.internal.convert.ConvertedGraph;
import org.backpack4j.dl4j.internal.convert.NetworkConversion;
import org.backpack4j.dl4j.internal.trained.NetworkBatches;
import org.backpack4j.dl4j.spi.ConverterProvider;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.dataset.BatchGraphs;
import org.backpack4j.samediff.dataset.GraphRecipe;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.internal.dataset.Contents;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/**
 * The extended graphs of a network, for quantities of a whole data set by DL4J's parameter names
 * and in its layouts:
 *
 * <pre>{@code
 * try (NetworkGraphs graphs = NetworkGraphs.of(net, new DiagGGNExact(), new KFAC())) {
 *   DataSetResults results = DataSetQuantities.of(graphs).over(iterator);
 *   INDArray diagonal = results.quantities().get("conv1_W", DiagGGNExact.class);
 * }
 * }</pre>
 *
 * <p>Batches are converted as in {@link Dl4jConverter}: features, labels, and the masks of both.
 * The network is converted and extended once for each kind of batch: the shape of a sample, and
 * which masks there are. Quantities are in the scale of {@code net.gradient()}, of the sum of the
 * samples' losses, unless {@link #scale} says otherwise; l1, l2 and weight decay are not in them.
 * Parameters are read at each batch.
 *
 * <p>Of the network in training mode: dropout, which draws other numbers at each pass, is refused,
 * and so is batch normalisation with the statistics of the batch, which would depend on how the
 * data are cut ({@link #statistics}). Not for several threads at once.
 */
public final class NetworkGraphs implements BatchGraphs, AutoCloseable {
  private final Model net;
  private final Extension[] extensions;
  private final Set<String> named = new TreeSet<>();
  private final List<ConverterProvider> converters = new ArrayList<>();
  private Scale scale = Scale.SUM;
  private BatchStatistics statistics = BatchStatistics.BATCH;
  private @Nullable NetworkBatches made;

  private NetworkGraphs(Model net, Extension[] extensions) {
    this.net = net;
    this.extensions = extensions.clone();
  }

  /**
   * Of a network.
   *
   * @param net a ComputationGraph or a MultiLayerNetwork
   * @param extensions the quantities
   * @return its graphs, none of which is made yet
   */
  public static NetworkGraphs of(Model net, Extension... extensions) {
    return new NetworkGraphs(net, extensions);
  }

  /**
   * Chooses the scale, {@link Scale#SUM} by default.
   *
   * @param choice the scale of the loss, and with it of all quantities
   * @return this
   */
  public NetworkGraphs scale(Scale choice) {
    scale = choice;
    close();
    return this;
  }

  /**
   * Chooses the statistics of batch normalisation. With {@link BatchStatistics#BATCH}, the default,
   * batches influence results, and a network that has it is refused; with {@link
   * BatchStatistics#RUNNING} it is as in evaluation mode.
   *
   * @param choice the statistics
   * @return this
   */
  public NetworkGraphs statistics(BatchStatistics choice) {
    statistics = choice;
    close();
    return this;
  }

  /**
   * Chooses parameters by name.
   *
   * @param names DL4J's names, {@code conv1_W} or {@code 0_W}
   * @return this
   */
  public NetworkGraphs parameters(String... names) {
    named.addAll(Arrays.asList(names));
    close();
    return this;
  }

  /**
   * Registers converters of a person's own.
   *
   * @param providers register them
   * @return this
   */
  public NetworkGraphs converters(ConverterProvider... providers) {
    converters.addAll(Arrays.asList(providers));
    close();
    return this;
  }

  /**
   * The graph for a batch.
   *
   * @throws UnconvertibleNetworkException if the network cannot be converted; it lists every
   *     obstacle
   * @throws org.backpack4j.samediff.UnsupportedGraphException if a quantity cannot be had; it lists
   *     every reason
   */
  @Override
  public GraphBatch of(MultiDataSet batch) {
    return batches().of(batch);
  }

  private NetworkBatches batches() {
    if (made == null) {
      made =
          new NetworkBatches(
              net,
              new NetworkConversion.Choices(
                  scale, statistics, false, false, NetworkConverter.converters(converters)),
              this::extended);
    }
    return made;
  }

  private ExtendedGraph extended(ConvertedGraph network) {
    Set<String> unknown = new TreeSet<>(named);
    network.parameters().forEach(unknown::remove);
    if (!unknown.isEmpty()) {
      throw new IllegalArgumentException(
          "The network has no trained parameters "
              + unknown
              + "; it has "
              + network.parameters()
              + ".");
    }
    return network.backPack(name -> named.isEmpty() || named.contains(name)).extend(extensions);
  }

  /**
   * Nothing: a network's batches are data sets.
   *
   * @throws IllegalArgumentException always
   */
  @Override
  public GraphBatch of(Map<String, INDArray> feeds) {
    return batches().of(feeds);
  }

  @Override
  public Map<String, String> identity() {
    String settings =
        net instanceof ComputationGraph graph
            ? graph.getConfiguration().toJson()
            : ((MultiLayerNetwork) net).getLayerWiseConfigurations().toJson();
    List<String> quantities =
        Arrays.stream(extensions).map(e -> e.field() + " of " + e.columns()).toList();
    Map<String, String> identity = new LinkedHashMap<>();
    identity.put("network", new Contents().add(settings).text());
    identity.put("parameters", new Contents().add(net.params()).text());
    identity.put("quantities", quantities + " of " + named + ", " + scale + ", " + statistics);
    return identity;
  }

  @Override
  public GraphRecipe recipe() {
    return new NetworkRecipe(net, extensions, named, converters, scale, statistics);
  }

  /** Frees what the graphs keep; they are made again when they are needed. */
  @Override
  public void close() {
    if (made != null) {
      made.close();
      made = null;
    }
  }
}
