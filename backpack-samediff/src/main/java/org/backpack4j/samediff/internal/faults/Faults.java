package org.backpack4j.samediff.internal.faults;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.backpack4j.samediff.internal.shape.StaticShapes;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;

/**
 * Finds what ND4J 1.0.0-M2.1 gets wrong in a graph, by the structure of the graph.
 *
 * <p>Nothing runs and nothing is changed. What cannot be seen in the graph is not found: above all
 * a feed in 'f' order, which does what a parameter in 'f' order does ({@link LayoutFaults}).
 */
public final class Faults {
  private Faults() {}

  /**
   * The faults that a graph meets when it is evaluated, differentiated by its loss variables, or
   * saved.
   *
   * @param graph the person's graph
   * @return one fault for each op, parameter or constant that meets one
   * @throws UnsupportedOperationException if the ops form a loop
   */
  public static List<Fault> of(SameDiff graph) {
    return of(graph, graph.getLossVariables(), StaticShapes.declared(graph));
  }

  /**
   * The faults that a graph meets when it is evaluated, differentiated or saved.
   *
   * @param graph the person's graph
   * @param losses what is differentiated; if there is nothing, every op counts as differentiated
   * @param shapes what is known of the variables' shapes; the more is known, the fewer faults are
   *     reported that only may happen
   * @return one fault for each op, parameter or constant that meets one
   * @throws UnsupportedOperationException if the ops form a loop
   */
  public static List<Fault> of(SameDiff graph, Collection<String> losses, StaticShapes shapes) {
    GradientReach gradient = GradientReach.of(graph, losses);
    List<Fault> faults = new ArrayList<>(LayoutFaults.ofArrays(graph));
    for (SameDiffOp op : graph.getOps().values()) {
      FaultSite context = new FaultSite(graph, op, gradient, shapes);
      LayoutFaults.of(context).ifPresent(faults::add);
      EvaluationFaults.of(context).ifPresent(faults::add);
      SegmentFaults.of(context).ifPresent(faults::add);
      GradientFaults.of(context).ifPresent(faults::add);
    }
    faults.addAll(LossFaults.of(graph, losses));
    return faults;
  }
}
