package org.backpack4j.examples;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Starts ND4J's backend and, where it does not start, says why in a sentence and what to do.
 *
 * <p>ND4J itself answers a build with {@code -Pcuda} on a machine without a GPU by a stack trace
 * and, from the second use on, by a {@code NoClassDefFoundError} that names neither.
 */
public final class Backend {

  private static final String CUDA_BACKEND = "org/nd4j/linalg/jcublas/JCublasBackend.class";
  private static final String CUDA_LIBRARY = "org.bytedeco.cuda.global.cudart";

  private Backend() {}

  /**
   * Prints the backend and the result of one small matrix product.
   *
   * @param args none
   */
  public static void main(String[] args) {
    startOrExit();
    INDArray ones = Nd4j.ones(2, 3);
    System.out.printf(
        "ND4J backend %s: the entries of a 2×3 matrix of ones times its transpose add up to %s%n",
        Nd4j.getBackend().getClass().getSimpleName(), ones.mmul(ones.transpose()).sumNumber());
  }

  /** Starts the backend; where that fails, says why on standard error and exits with status 2. */
  public static void startOrExit() {
    try {
      start();
    } catch (IllegalStateException e) {
      System.err.println(e.getMessage());
      System.exit(2);
    }
  }

  /**
   * Starts the backend.
   *
   * @throws IllegalStateException if it does not start; the message has the reason and a remedy
   */
  public static void start() {
    boolean cuda = Backend.class.getClassLoader().getResource(CUDA_BACKEND) != null;
    try {
      if (cuda) {
        Class.forName(CUDA_LIBRARY); // ND4J would hide the reason for which this fails
      }
      Nd4j.create(1).addi(1);
    } catch (Exception | LinkageError e) {
      throw new IllegalStateException(explain(e, cuda), e);
    }
  }

  private static String explain(Throwable failure, boolean cuda) {
    Throwable root = failure;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return "ND4J's backend does not start: %s%n%s".formatted(root, cuda ? NO_GPU : NO_BINARIES);
  }

  private static final String NO_GPU =
      "This build has the CUDA backend (-Pcuda), which needs an NVIDIA GPU and its driver. On a"
          + " machine without them leave -Pcuda out; the processor computes then.";

  private static final String NO_BINARIES =
      "The build has the binaries of one platform. -Dnd4j.classifier=linux-x86_64 chooses those for"
          + " a Linux processor without AVX2 (macosx-x86_64, windows-x86_64 on other systems).";
}
