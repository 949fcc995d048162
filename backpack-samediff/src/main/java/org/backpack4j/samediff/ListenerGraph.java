package org.backpack4j.samediff;

import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.function.UnaryOperator;
import org.backpack4j.samediff.extension.Extension;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SameDiff;

/**
 * A listener's extension of one graph, or why there is none. Both are kept for as long as the graph
 * looks the same: a refusal costs a whole extension, which is not to be paid in each iteration. It
 * does not keep the graph.
 */
final class ListenerGraph implements AutoCloseable {
  private @Nullable Look look;
  private @Nullable ExtendedGraph graph;
  private @Nullable RuntimeException refused;

  /** What an extension was made for, as far as it is seen at a glance. */
  private record Look(List<String> losses, int ops, int variables) {
    static Look of(SameDiff sd) {
      return new Look(
          List.copyOf(sd.getLossVariables()), sd.getOps().size(), sd.getVariables().size());
    }
  }

  /** Extends the graph, again if that was refused before: the person may have changed something. */
  public synchronized void check(
      SameDiff sd, UnaryOperator<BackPack.Builder> choices, Extension... extensions) {
    refused = null;
    graph(sd, choices, extensions);
  }

  /** The extended graph, made if there is none that fits. */
  public synchronized ExtendedGraph graph(
      SameDiff sd, UnaryOperator<BackPack.Builder> choices, Extension... extensions) {
    Look now = Look.of(sd);
    if (!now.equals(look)) {
      close();
      look = now;
    }
    if (refused != null) {
      throw refused;
    }
    ExtendedGraph current = graph;
    if (current == null) {
      try {
        current = choices.apply(BackPack.on(sd)).weakly().extend(extensions);
      } catch (CancellationException e) {
        throw e;
      } catch (RuntimeException e) {
        refused = e;
        throw e;
      }
      graph = current;
    }
    return current;
  }

  @Override
  public synchronized void close() {
    if (graph != null) {
      graph.close();
    }
    graph = null;
    refused = null;
    look = null;
  }
}
