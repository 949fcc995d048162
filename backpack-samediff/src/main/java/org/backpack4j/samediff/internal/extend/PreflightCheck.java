package org.backpack4j.samediff.internal.extend;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.Refusal;
import org.backpack4j.samediff.internal.interpret.OpExecution;
import org.backpack4j.samediff.internal.interpret.RandomOps;
import org.backpack4j.samediff.internal.interpret.ReferenceInterpreter;
import org.backpack4j.samediff.internal.ir.GraphProblem;
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
    SampleAxes.hindrances(placeholders, sampleAxes).forEach(h -> found.add(refusal(h)));
    if (!found.isEmpty()) {
      found.addAll(
          RandomDrawCheck.refusals(
              needed.stream().filter(op -> RandomOps.draws(op.getOp())).toList()));
    }
    return found;
  }

  static Refusal refusal(GraphProblem hindrance) {
    return new Refusal(
        Refusal.EVERYTHING, hindrance.where(), hindrance.reason(), hindrance.remedy());
  }
}
