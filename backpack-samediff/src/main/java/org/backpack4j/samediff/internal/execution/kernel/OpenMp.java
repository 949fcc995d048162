package org.backpack4j.samediff.internal.execution.kernel;

import com.sun.jna.Function;
import com.sun.jna.NativeLibrary;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The threads of GNU's OpenMP, by which the native ops run. After an op they wait for the next one
 * by turning, for some milliseconds, and keep their cores from whoever else has work: with as many
 * threads of our own as there are cores, kernels took as long as with one.
 */
final class OpenMp {
  private static final Logger LOG = LoggerFactory.getLogger(OpenMp.class);
  private static final String LIBRARY = "libgomp.so.1";

  /** {@code omp_pause_soft} (OpenMP 5.0, 3.2.43): the threads end, settings are kept. */
  private static final Object[] SOFT = {1};

  private static final @Nullable Function PAUSE = pause();

  private OpenMp() {}

  /**
   * Lets those threads go that wait for the calling thread's next op. The op makes new ones, which
   * takes it some hundred microseconds. Does nothing where OpenMP is another one.
   */
  static void release() {
    if (PAUSE != null) {
      PAUSE.invokeInt(SOFT);
    }
  }

  private static @Nullable Function pause() {
    try {
      return NativeLibrary.getInstance(LIBRARY).getFunction("omp_pause_resource_all");
    } catch (LinkageError | RuntimeException e) {
      LOG.debug("Threads of OpenMP keep turning: {}", e.toString());
      return null;
    }
  }
}
