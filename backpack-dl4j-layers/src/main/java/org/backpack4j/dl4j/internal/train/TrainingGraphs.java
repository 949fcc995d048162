package org.backpack4j.dl4j.internal.train;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.backpack4j.dl4j.BatchStatistics;
import org.backpack4j.dl4j.Scale;
import org.backpack4j.dl4j.internal.NetworkConverter;
import org.backpack4j.dl4j.internal.convert.BatchShape;
import org.backpack4j.dl4j.internal.convert.ConvertedGraph;
import org.backpack4j.dl4j.internal.convert.NetworkConversion;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.extension.Extension;
import org.deeplearning4j.nn.api.Model;
import org.jspecify.annotations.Nullable;

/** A network's graphs: one for each shape of its batches, and for what is asked of them. */
final class TrainingGraphs implements AutoCloseable {
  /** As many are kept, those that were used last. */
  private static final int KEPT = 16;

  private final Map<Key, Made> made = new LinkedHashMap<>(16, 0.75f, true);

  /** What could not be made, so that it is not tried in each iteration. */
  private final Map<Key, RuntimeException> refused = new LinkedHashMap<>();

  /**
   * What a graph is made for.
   *
   * @param shape the batches' shape
   * @param scale the loss' scale
   * @param lenient whether quantities that cannot be had are left out
   * @param extensions the quantities
   */
  record Key(BatchShape shape, Scale scale, boolean lenient, List<Extension> extensions) {
    /** For the gradient alone. */
    static Key plain(BatchShape shape) {
      return new Key(shape, Scale.SUM, false, List.of());
    }
  }

  /**
   * A graph.
   *
   * @param network the network as a graph
   * @param graph the same with gradient and quantities
   */
  record Made(ConvertedGraph network, ExtendedGraph graph) {}

  /**
   * The graph for something.
   *
   * @param net the network
   * @param key for what
   * @return the graph, made if there is none
   * @throws RuntimeException if it cannot be made: what stands in the way
   */
  Made of(Model net, Key key) {
    Made known = made.get(key);
    if (known != null) {
      return known;
    }
    RuntimeException before = refused.get(key);
    if (before != null) {
      throw before;
    }
    try {
      known = make(net, key);
    } catch (java.util.concurrent.CancellationException e) {
      throw e; // somebody has stopped it: that is no refusal
    } catch (RuntimeException e) {
      refused.put(key, e);
      throw e;
    }
    made.put(key, known);
    if (made.size() > KEPT) {
      Key eldest = made.keySet().iterator().next();
      Made forgotten = made.remove(eldest);
      if (forgotten != null) {
        forgotten.graph().close();
      }
    }
    return known;
  }

  private static Made make(Model net, Key key) {
    ConvertedGraph network =
        NetworkConverter.convert(
            net,
            key.shape(),
            new NetworkConversion.Choices(
                key.scale(), BatchStatistics.BATCH, true, false, NetworkConverter.converters()));
    BackPack.Builder builder = network.backPack();
    if (key.lenient()) {
      builder.lenient();
    }
    return new Made(network, builder.extend(key.extensions().toArray(Extension[]::new)));
  }

  /** What was made for something; null if nothing was. */
  @Nullable Made known(Key key) {
    return made.get(key);
  }

  @Override
  public void close() {
    made.values().forEach(m -> m.graph().close());
    made.clear();
    refused.clear();
  }
}
