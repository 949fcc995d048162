package org.backpack4j.dl4j.blocks;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.graph.GraphVertex;

/**
 * Branches that read the same, and a vertex that makes one of their results. The branches are named
 * {@code name.branch.0}, {@code name.branch.1} and so on, the vertex {@code name}.
 *
 * @param merge the vertex: a {@link SumModule}, a {@code MergeVertex}, …
 * @param branches the branches
 */
public record Parallel(GraphVertex merge, List<Block> branches) implements Block {
  /**
   * Branches.
   *
   * @param merge the vertex that makes one of their results
   * @param branches the branches
   */
  public Parallel {
    branches = List.copyOf(branches);
  }

  /**
   * Branches.
   *
   * @param merge the vertex that makes one of their results
   * @param branches the branches
   */
  public Parallel(GraphVertex merge, Block... branches) {
    this(merge, List.of(branches));
  }

  @Override
  public String addTo(GraphBuilder graph, String name, String input) {
    Set<String> results = new LinkedHashSet<>();
    for (int k = 0; k < branches.size(); k++) {
      String result = branches.get(k).addTo(graph, name + ".branch." + k, input);
      if (!results.add(result)) {
        throw new IllegalArgumentException(
            "Two branches of \"" + name + "\" are the identity: a vertex cannot read one twice.");
      }
    }
    graph.addVertex(name, merge, results.toArray(new String[0]));
    return name;
  }
}
