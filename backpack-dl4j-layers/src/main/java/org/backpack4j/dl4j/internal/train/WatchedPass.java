package org.backpack4j.dl4j.internal.train;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.backpack4j.dl4j.internal.NetworkConverter;
import org.backpack4j.dl4j.internal.convert.IterationState;
import org.backpack4j.dl4j.internal.convert.NetworkBatch;
import org.backpack4j.dl4j.internal.convert.RepeatedDraws;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** A pass of DL4J's own, watched from among the network's listeners. */
final class WatchedPass {
  private final RepeatedDraws.Watch draws = NetworkConverter.watch();
  private IterationState given = IterationState.NOTHING;
  private @Nullable NetworkBatch batch;

  /** Hears of the pass. */
  private final class Ear extends BaseTrainingListener {
    @Override
    public void onForwardPass(Model model, List<INDArray> activations) {
      onForwardPass(model, named(activations));
    }

    @Override
    public void onForwardPass(Model model, Map<String, INDArray> activations) {
      try (MemoryWorkspace outside = Nd4j.getMemoryManager().scopeOutOfWorkspaces()) {
        given = NetworkConverter.given(model, NetworkConverter.converters(), activations, Set.of());
        draws.look(model, NetworkBatch.samples(model), false);
      }
    }

    @Override
    public void onBackwardPass(Model model) {
      given = NetworkConverter.given(model, NetworkConverter.converters(), given);
      NetworkBatch found = NetworkBatch.of(model);
      draws.look(model, found.samples(), true);
      batch = found;
    }
  }

  /** Activations of a MultiLayerNetwork, the network's input first, by the layers' numbers. */
  private static Map<String, INDArray> named(List<INDArray> activations) {
    Map<String, INDArray> named = new java.util.LinkedHashMap<>();
    for (int k = 1; k < activations.size(); k++) {
      named.put(Integer.toString(k - 1), activations.get(k));
    }
    return named;
  }

  /** Has a network make its pass. */
  void make(Model net, LayerWorkspaceMgr workspaces) {
    TrainingListener ear = new Ear();
    NetworkFields.listeners(net).add(ear);
    try {
      net.computeGradientAndScore(workspaces);
    } finally {
      NetworkFields.listeners(net).remove(ear);
    }
  }

  /** What DL4J has drawn. */
  IterationState given() {
    return given;
  }

  NetworkBatch batch() {
    return Objects.requireNonNull(batch, "DL4J has told of no backward pass.");
  }

  RepeatedDraws.Watch draws() {
    return draws;
  }
}
