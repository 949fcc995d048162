package org.backpack4j.dl4j.internal.train;

import java.util.Collection;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.deeplearning4j.optimize.Solver;
import org.deeplearning4j.optimize.api.ConvexOptimizer;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.jspecify.annotations.Nullable;

/** Stands in the place of a network's own solver for as long as it trains by planned steps. */
public final class PlannedSolver extends Solver {
  private final Model net;
  private final Solver own;
  private final PlannedDescent optimizer;

  private PlannedSolver(Model net, Solver own, PlannedPass pass) {
    this.net = net;
    this.own = own;
    this.optimizer = new PlannedDescent(net, own.getOptimizer().getStepFunction(), pass);
  }

  /**
   * Takes the place of a network's own solver, with its updater.
   *
   * @param net the network, which has a solver
   * @param own its solver
   * @param pass computes gradients
   * @return what has taken its place
   */
  public static PlannedSolver install(Model net, Solver own, PlannedPass pass) {
    PlannedSolver planned = new PlannedSolver(net, own, pass);
    handOver(net, own.getOptimizer(), planned.optimizer);
    NetworkFields.setSolver(net, planned);
    return planned;
  }

  /** Gives its place back, with the updater that the network has now. */
  public void restore() {
    handOver(net, optimizer, own.getOptimizer());
    if (NetworkFields.solver(net) == this) {
      NetworkFields.setSolver(net, own);
    }
  }

  private static void handOver(Model net, ConvexOptimizer from, ConvexOptimizer to) {
    if (net instanceof ComputationGraph) {
      to.setUpdaterComputationGraph(from.getComputationGraphUpdater(false));
    } else {
      to.setUpdater(from.getUpdater(false));
    }
    to.setGradientsAccumulator(from.getGradientsAccumulator());
  }

  /**
   * The solver that a network has now.
   *
   * @param net the network
   * @return its solver; null before its first updater is made
   */
  public static @Nullable Solver of(Model net) {
    return NetworkFields.solver(net);
  }

  /**
   * Whether a network trains by planned steps at present.
   *
   * @param net the network
   * @return whether its solver is one of these
   */
  public static boolean trains(Model net) {
    return NetworkFields.solver(net) instanceof PlannedSolver;
  }

  /**
   * Whether a network trains by planned steps of a certain kind at present.
   *
   * @param net the network
   * @param pass what computes gradients
   * @return whether it is what computes them
   */
  @SuppressWarnings("ReferenceEquality")
  public static boolean trains(Model net, PlannedPass pass) {
    return NetworkFields.solver(net) instanceof PlannedSolver planned
        && planned.optimizer.pass() == pass;
  }

  @Override
  public void optimize(LayerWorkspaceMgr workspaces) {
    optimizer.optimize(workspaces);
  }

  @Override
  public void initOptimizer() {
    // there is one
  }

  @Override
  public ConvexOptimizer getOptimizer() {
    return optimizer;
  }

  @Override
  public void setListeners(Collection<TrainingListener> listeners) {
    own.setListeners(listeners);
    optimizer.setListeners(listeners);
  }
}
