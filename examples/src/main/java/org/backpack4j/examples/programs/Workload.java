package org.backpack4j.examples.programs;

import org.backpack4j.dl4j.BackPackListener;
import org.backpack4j.samediff.extension.Extension;

/** A network and a batch, trained one step at a time, with a listener and without. */
interface Workload {

  /** One training step without a listener. */
  void plainStep();

  /**
   * A network that is watched.
   *
   * @param quantities what is asked for
   */
  Watched watch(Extension... quantities);

  /** How many parameters the network has. */
  long parameters();

  /** A network under a listener. */
  interface Watched extends AutoCloseable {
    /**
     * One training step.
     *
     * @throws RuntimeException if the listener has no quantities of it, with the reason
     */
    void step();

    @Override
    void close();

    /**
     * A network of DL4J under its listener.
     *
     * @param listener the listener
     * @param attach hands it to the network
     * @param fit one training step
     * @param detach takes it away again
     */
    static Watched of(BackPackListener listener, Runnable attach, Runnable fit, Runnable detach) {
      return new Watched() {
        @Override
        public void step() {
          attach.run();
          fit.run();
          detach.run();
          listener.latest();
        }

        @Override
        public void close() {
          listener.close();
        }
      };
    }
  }
}
