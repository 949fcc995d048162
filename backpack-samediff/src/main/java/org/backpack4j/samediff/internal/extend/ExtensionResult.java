package org.backpack4j.samediff.internal.extend;

import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.internal.autodiff.Annotations;
import org.backpack4j.samediff.internal.autodiff.Rule;
import org.backpack4j.samediff.internal.ir.Node;
import org.backpack4j.samediff.spi.Emitter;
import org.nd4j.autodiff.samediff.SameDiff;

/**
 * What the passes have made.
 *
 * @param graph the copy, with everything inserted
 * @param emit what has inserted it
 * @param annotations what is known of the nodes that were there
 * @param rules their rules
 * @param outputs what came out
 * @param quantities what was asked for, and what was refused of it
 * @param faults what M2.1 computes wrongly in the graph that was extended
 */
public record ExtensionResult(
    SameDiff graph,
    Emitter emit,
    Annotations annotations,
    Map<Node, Rule> rules,
    Outputs outputs,
    Quantities quantities,
    List<String> faults) {}
