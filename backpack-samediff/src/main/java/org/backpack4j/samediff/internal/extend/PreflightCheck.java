package org.backpack4j.samediff.internal.extend;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.backpack4j.samediff.Refusal;
import org.backpack4j.samediff.internal.interpret.OpExecution;
import org.backpack4j.samediff.internal.interpret.RandomOps;
import org.backpack4j.samediff.internal.interpret.ReferenceInterpreter;
import org.backpack4j.samediff.internal.ir.GraphProblem;
import org.backpack4j.samediff.internal.ir.GraphProblemException;
import org.backpack4j.samediff.internal.shape.GraphShapes;
import org.backpack4j.samediff.internal.shape.SampleAxes;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;

/**
 * What keeps a graph from being copied and run at all, so that no quantity can be had: found by
 * looking at the ops, all at once.
 */
final class PreflightCheck {
  private PreflightCheck() {}

  /**
   * Looks at a person's graph before anything is done.
   *
   * @param graph the graph
   * @param losses its losses
   * @param sampleAxes the axes that the person named, by placeholder
   * @return what stands in the way; where something does, random numbers too, which are told of
   *     otherwise only for the parameters that they concern
   */
  static List<Refusal> of(
      SameDiff graph, Collection<String> losses, Map<String, Integer> sampleAxes) {
    List<SameDiffOp> control =
        graph.getOps().values().stream()
            .filter(node -> OpExecution.isControlFlow(node.getOp()))
            .toList();
    List<Refusal> found = new ArrayList<>();
    for (SameDiffOp node : control) {
      found.add(
          new Refusal(
              Refusal.EVERYTHING,
              "\"" + RandomOps.label(node) + "\" (" + node.getOp().opName() + ")",
              "it is control flow or works on a list of arrays: such a graph cannot be copied",
              "compute both branches and choose entries by sd.where(condition, a, b), where the"
                  + " condition is computed or fed as numbers; write out a loop of a fixed length,"
                  + " and stack what would be a list"));
    }
    // with control flow the way to the losses cannot be told
    Collection<SameDiffOp> needed =
        control.isEmpty() ? ReferenceInterpreter.order(graph, losses) : graph.getOps().values();
    List<SDVariable> placeholders =
        needed.stream()
            .filter(op -> op.getInputsToOp() != null)
            .flatMap(op -> op.getInputsToOp().stream())
            .distinct()
            .map(graph::getVariable)
            .filter(SDVariable::isPlaceHolder)
            .toList();
    List<GraphProblem> open = SampleAxes.hindrances(placeholders, sampleAxes);
    open.forEach(h -> found.add(refusal(h)));
    if (!control.isEmpty() && open.isEmpty()) {
      ofShapes(graph, control, sampleAxes).forEach(h -> found.add(refusal(h)));
    }
    if (!found.isEmpty()) {
      found.addAll(
          RandomDrawCheck.refusals(
              needed.stream().filter(op -> RandomOps.draws(op.getOp())).toList()));
    }
    return found;
  }

  /** What is wrong with the shapes of what does not depend on control flow. */
  private static List<GraphProblem> ofShapes(
      SameDiff graph, List<SameDiffOp> control, Map<String, Integer> sampleAxes) {
    Set<String> behind = new HashSet<>();
    control.forEach(op -> behind.addAll(op.getOutputsOfOp()));
    for (int before = -1; before < behind.size(); ) {
      before = behind.size();
      for (SameDiffOp op : graph.getOps().values()) {
        if (op.getInputsToOp() != null && op.getInputsToOp().stream().anyMatch(behind::contains)) {
          behind.addAll(op.getOutputsOfOp());
        }
      }
    }
    List<String> targets =
        graph.getOps().values().stream()
            .flatMap(op -> op.getOutputsOfOp().stream())
            .filter(name -> !behind.contains(name))
            .toList();
    try {
      GraphShapes.of(graph, targets, sampleAxes);
      return List.of();
    } catch (GraphProblemException e) {
      return e.hindrances();
    } catch (RuntimeException e) {
      return List.of(); // the control flow is told in any case
    }
  }

  static Refusal refusal(GraphProblem hindrance) {
    return new Refusal(
        Refusal.EVERYTHING, hindrance.where(), hindrance.reason(), hindrance.remedy());
  }
}
