package org.backpack4j.dl4j.internal.train;

import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.deeplearning4j.optimize.api.StepFunction;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.deeplearning4j.optimize.solvers.StochasticGradientDescent;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.factory.Nd4j;

/**
 * DL4J's stochastic gradient descent with another gradient: what is behind it, from {@code
 * onGradientCalculation} to the constraints, is DL4J's own.
 */
final class PlannedDescent extends StochasticGradientDescent {
  private static final long serialVersionUID = 1L;

  private final transient PlannedPass pass;

  PlannedDescent(Model net, StepFunction step, PlannedPass pass) {
    super(net.conf(), step, NetworkFields.listeners(net), net);
    this.pass = pass;
  }

  PlannedPass pass() {
    return pass;
  }

  @Override
  public Pair<Gradient, Double> gradientAndScore(LayerWorkspaceMgr workspaces) {
    oldScore = score;
    pass.compute(model, workspaces);
    try (MemoryWorkspace outside = Nd4j.getMemoryManager().scopeOutOfWorkspaces()) {
      for (TrainingListener listener : trainingListeners) {
        listener.onGradientCalculation(model);
      }
    }
    Pair<Gradient, Double> pair = model.gradientAndScore();
    score = pair.getSecond();
    updateGradientAccordingToParams(pair.getFirst(), model, model.batchSize(), workspaces);
    return pair;
  }
}
