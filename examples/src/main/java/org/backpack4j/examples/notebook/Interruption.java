package org.backpack4j.examples.notebook;

/**
 * Whether the person wants the running cell to stop. Every loop and every method of a cell asks:
 * {@link StopChecks} has put the question there.
 */
public final class Interruption {

  private static volatile boolean requested;

  private Interruption() {}

  /**
   * Called by the code of cells, on any thread that runs it.
   *
   * @throws InterruptedCell if the cell is to stop; also the next time, should the cell catch it
   */
  public static void check() {
    if (requested) {
      throw new InterruptedCell();
    }
  }

  static void request() {
    requested = true;
  }

  static void clear() {
    requested = false;
  }

  static boolean requested() {
    return requested;
  }

  /** Ends a cell. An error, so that {@code catch (Exception e)} in a cell lets it pass. */
  static final class InterruptedCell extends Error {
    private static final long serialVersionUID = 1;

    InterruptedCell() {
      super("The cell was interrupted.");
    }
  }
}
