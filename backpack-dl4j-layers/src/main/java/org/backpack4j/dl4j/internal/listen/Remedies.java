package org.backpack4j.dl4j.internal.listen;

import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.backpack4j.dl4j.internal.convert.ConvertedGraph;
import org.backpack4j.dl4j.internal.convert.InputShapes;
import org.backpack4j.samediff.Refusal;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;

/** Refusals of a converted network's graph, with the remedies that the network's owner has. */
public final class Remedies {
  private Remedies() {}

  /**
   * Says of batch normalisation that it need not be that of the batch.
   *
   * @param net the network
   * @param refusals the graph's refusals
   * @return the same refusals in the same order
   */
  public static List<Refusal> of(Model net, List<Refusal> refusals) {
    Set<String> normalising =
        InputShapes.names(net, BatchNormalization.class).stream()
            .map(ConvertedGraph::placeOf)
            .collect(Collectors.toSet());
    return refusals.stream()
        .map(
            r ->
                normalising.contains(r.node()) && r.reason().startsWith(Refusal.COUPLED)
                    ? new Refusal(
                        r.quantity(),
                        r.node(),
                        Refusal.COUPLED + " through the batch's statistics",
                        "ask the listener for runningStatistics(): these quantities are then those"
                            + " of evaluation mode")
                    : r)
        .distinct()
        .toList();
  }
}
