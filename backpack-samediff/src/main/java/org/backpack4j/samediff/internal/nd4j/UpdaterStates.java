package org.backpack4j.samediff.internal.nd4j;

import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.util.Map;
import java.util.Objects;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.learning.GradientUpdater;

/** The updaters that a graph trains with, which M2.1 keeps to itself. */
public final class UpdaterStates {
  private UpdaterStates() {}

  /**
   * The updaters of a graph as its own {@code fit} has them, with their state: made where there are
   * none yet.
   *
   * @param graph a graph with a training configuration
   * @return an updater for each parameter, the graph's own
   */
  @SuppressWarnings("unchecked")
  public static Map<String, GradientUpdater<?>> of(SameDiff graph) {
    try {
      Method initialise = SameDiff.class.getDeclaredMethod("initializeTraining");
      initialise.setAccessible(true);
      initialise.invoke(graph);
      Field updaters = SameDiff.class.getDeclaredField("updaterMap");
      updaters.setAccessible(true);
      return (Map<String, GradientUpdater<?>>) Objects.requireNonNull(updaters.get(graph));
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("This is not the ND4J that this was made for.", e);
    }
  }
}
