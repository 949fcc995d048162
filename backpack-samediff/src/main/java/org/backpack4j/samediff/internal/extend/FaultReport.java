package org.backpack4j.samediff.internal.extend;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.backpack4j.samediff.internal.faults.Fault;
import org.backpack4j.samediff.internal.faults.Faults;
import org.backpack4j.samediff.internal.shape.GraphShapes;
import org.backpack4j.samediff.internal.shape.StaticShapes;
import org.nd4j.autodiff.samediff.SameDiff;
import org.slf4j.Logger;

/**
 * What M2.1 computes wrongly in the person's own graph, where the extended graph will differ.
 *
 * <p>Whoever evaluates the graph meets some of it; the rest is in SameDiff's gradient alone, and
 * nobody is harmed who takes the gradient from the extended graph. So that is a warning only for a
 * graph that SameDiff trains or has differentiated, as far as one can tell.
 */
final class FaultReport {
  private final SameDiff source;
  private final List<Fault> faults;

  private FaultReport(SameDiff source, List<Fault> faults) {
    this.source = source;
    this.faults = faults;
  }

  /** Searches the graph; its extension tells more shapes than it declares. */
  static FaultReport of(SameDiff source, GraphShapes shapes) {
    StaticShapes declared = StaticShapes.declared(source);
    StaticShapes known =
        name -> shapes.reaches(name) ? Optional.of(shapes.dims(name).toLongs()) : declared.of(name);
    return new FaultReport(source, Faults.of(source, source.getLossVariables(), known));
  }

  /** A line for each fault. */
  List<String> lines() {
    return faults.stream().map(Fault::message).toList();
  }

  /** Says each problem once, with all nodes that meet it. */
  void log(Logger log, OnceLog warnings) {
    boolean differentiated =
        source.getTrainingConfig() != null || source.getFunction("grad") != null;
    Map<String, Boolean> harmless = new LinkedHashMap<>();
    Map<String, List<String>> nodes = new LinkedHashMap<>();
    for (Fault fault : faults) {
      String text = fault.problem() + " " + fault.cure();
      nodes.computeIfAbsent(text, t -> new ArrayList<>()).add("\"" + fault.node() + "\"");
      harmless.put(text, fault.ofGradient() && !differentiated);
    }
    nodes.forEach(
        (text, names) -> {
          String line =
              "ND4J 1.0.0-M2.1 computes this graph wrongly by itself; the extended graph is right. "
                  + String.join(", ", names)
                  + ": "
                  + text;
          if (harmless.getOrDefault(text, false)) {
            log.debug(line);
          } else {
            warnings.warn(line);
          }
        });
  }
}
