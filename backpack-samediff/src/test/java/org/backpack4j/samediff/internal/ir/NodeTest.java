package org.backpack4j.samediff.internal.ir;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.ops.DynamicCustomOp;

class NodeTest {
  /** An op that must not be asked for its hash: ND4J's runs native ops on the op's arrays. */
  private static final class Untouchable extends DynamicCustomOp {
    @Override
    public int hashCode() {
      throw new AssertionError("a look-up of a node asks ND4J's op");
    }

    @Override
    public boolean equals(Object other) {
      throw new AssertionError("a look-up of a node asks ND4J's op");
    }
  }

  @Test
  void aNodeIsEqualToItselfAlone() {
    Node node = new Node("op", new Untouchable(), List.of("x"), List.of("o"));
    Node twin = new Node("op", node.function(), List.of("x"), List.of("o"));

    Set<Node> nodes = new HashSet<>(List.of(node));

    assertThat(nodes.contains(node)).isTrue();
    assertThat(nodes.contains(twin)).isFalse();
  }
}
