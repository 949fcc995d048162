package org.backpack4j.examples.benchmark;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.backpack4j.examples.OwnClassPath;
import org.jspecify.annotations.Nullable;

/**
 * Measures each problem and quantity in a process of its own, so that its peak memory is its own.
 */
final class Cells {
  /** A process that answers nothing for so long is given up. */
  private static final long PATIENCE = 300;

  private Cells() {}

  /** This library's figures; null if it has none. */
  static @Nullable Figures ours(String problem, String quantity, double seconds)
      throws IOException, InterruptedException {
    return figures(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        // What is measured is native memory; the Java heap grows no further than it must.
        "-Xms32m",
        "-Xmx512m",
        // JavaCPP would limit native memory to a multiple of that.
        "-Dorg.bytedeco.javacpp.maxbytes=0",
        "-Dorg.bytedeco.javacpp.maxphysicalbytes=0",
        "-XX:+UseSerialGC",
        "-cp",
        OwnClassPath.argument(),
        Cell.class.getName(),
        problem,
        quantity,
        Double.toString(seconds));
  }

  /**
   * BackPACK's figures; null if it has none.
   *
   * @param python a Python that has {@code torch} and {@code backpack-for-pytorch}
   * @param script {@code backpack_cell.py}
   */
  static @Nullable Figures backpack(
      String python, Path script, String problem, String quantity, double seconds)
      throws IOException, InterruptedException {
    return figures(python, script.toString(), problem, quantity, Double.toString(seconds));
  }

  private static @Nullable Figures figures(String... command)
      throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(Arrays.asList(command))
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    try {
      if (!process.waitFor(PATIENCE, TimeUnit.SECONDS)) {
        return null;
      }
      // A line or two: they fit into the pipe, so that the process did not wait for us.
      return Figures.in(
          new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8));
    } finally {
      process.destroyForcibly();
    }
  }
}
