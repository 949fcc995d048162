package org.backpack4j.samediff.internal.rewrite;

import java.util.Optional;
import java.util.Set;
import org.backpack4j.samediff.internal.ir.Node;

/** The recurrent layers that {@link Canonicalise} writes out step by step. */
public final class Recurrent {
  /** ND4J's names of the ops. */
  public static final Set<String> OPS =
      Set.of("gru", "gruCell", "lstmBlock", "lstmBlockCell", "lstmLayer");

  private Recurrent() {}

  /**
   * Why a layer is not written out, as far as its arguments tell.
   *
   * @param node the layer
   * @return the reason; empty if there is none, or it lies in the shapes of the layer's inputs
   */
  public static Optional<String> obstacle(Node node) {
    return node.op().equals("lstmLayer") ? LstmLayerRewrite.obstacle(node) : Optional.empty();
  }
}
