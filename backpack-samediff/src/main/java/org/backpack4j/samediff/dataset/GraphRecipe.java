package org.backpack4j.samediff.dataset;

import java.io.Serializable;
import java.util.List;
import org.backpack4j.samediff.extension.Extension;

/**
 * What another Java machine needs to make the same graphs: the model with its parameters as they
 * were when the recipe was made, the quantities, and the choices. {@link BatchGraphs#recipe} makes
 * one; a class of your own can make graphs in any other way, from its own serialised fields.
 */
public interface GraphRecipe extends Serializable {
  /**
   * Makes the graphs. If they are {@link AutoCloseable}, they are closed by whoever asked for them.
   *
   * @return new graphs
   */
  BatchGraphs make();

  /**
   * The quantities that the graphs are extended by.
   *
   * @return the extensions
   */
  List<Extension> extensions();

  /**
   * Whether several threads may use the graphs at once. Of others, each thread makes its own.
   *
   * @return true if they may
   */
  boolean shared();
}
