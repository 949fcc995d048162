package org.backpack4j.samediff.internal.rewrite;

import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;

/** Writes one kind of composite op with ops that have rules. */
@FunctionalInterface
interface Rewrite {
  /**
   * Adds the ops that stand for a node.
   *
   * @param context the node
   * @return a new variable for each of the node's outputs, computed by an op of its own; none if
   *     the node is to stay as it is
   */
  List<SDVariable> of(RewriteSite context);
}
