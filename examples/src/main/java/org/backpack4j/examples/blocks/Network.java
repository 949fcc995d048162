package org.backpack4j.examples.blocks;

import java.util.ArrayList;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.array.ThreadSafeArrayHolder;
import org.nd4j.linalg.api.buffer.DataType;

/** A graph that blocks are built into. It decides the layout and the values of their parameters. */
public final class Network {

  private final SameDiff graph = SameDiff.create();
  private final List<String> parameters = new ArrayList<>();
  private final WeightLayout layout;
  private final Initializer initializer;

  /**
   * An empty network.
   *
   * @param layout how weights are stored
   * @param initializer what values they get
   */
  public Network(WeightLayout layout, Initializer initializer) {
    this.layout = layout;
    this.initializer = initializer;
    // SameDiff's default keeps a second copy of every array, for devices that there may be.
    graph.setArrayHolders(
        new ThreadSafeArrayHolder(false), new ThreadSafeArrayHolder(false), false);
  }

  /** The graph. */
  public SameDiff graph() {
    return graph;
  }

  /** The parameters' names, in the order in which they were added. */
  public List<String> parameters() {
    return List.copyOf(parameters);
  }

  /** How weights are stored. */
  public WeightLayout layout() {
    return layout;
  }

  /**
   * Adds a placeholder for a batch of any size.
   *
   * @param name its name
   * @param sample the shape of a sample
   */
  public SDVariable batch(String name, long... sample) {
    long[] shape = new long[sample.length + 1];
    shape[0] = -1;
    System.arraycopy(sample, 0, shape, 1, sample.length);
    return graph.placeHolder(name, DataType.FLOAT, shape);
  }

  /** Adds a trainable parameter. */
  SDVariable parameter(String name, Initializer.Role role, long fanIn, long... shape) {
    parameters.add(name);
    return graph.var(name, layout.stored(initializer.values(name, role, fanIn, shape)));
  }

  /** Adds an array that is not trained. */
  SDVariable buffer(String name, Initializer.Role role, long... shape) {
    return graph.constant(name, initializer.values(name, role, 0, shape));
  }
}
