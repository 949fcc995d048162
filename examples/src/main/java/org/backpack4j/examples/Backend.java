package org.backpack4j.examples;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Starts ND4J's backend and, where it does not start, says why in a sentence and what to do.
 *
 * <p>Without this, the first use of {@code Nd4j} on a machine without a GPU (and a build with {@code
 * -Pcuda}) ends in a {@code NoClassDefFoundError} that names neither.
 */
public final class Backend {

  private Backend() {}

  /**
   * Prints the backend and the result of one small matrix product.
   *
   * @param args none
   */
  public static void main(String[] args) {
    startOrExit();
    INDArray ones = Nd4j.ones(2, 3);
    System.out.println(
        "ND4J backend: " + Nd4j.getBackend().getClass().getSimpleName() + ", 2 × 3 ones times their transpose: "
            + ones.mmul(ones.transpose()).sumNumber());
  }

  /** Starts the backend; where that fails, prints the reason on standard error and exits with 2. */
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
    try {
      Nd4j.create(1).addi(1);
    } catch (Throwable e) { // LinkageErrors, and whatever a static initialiser throws
      throw new IllegalStateException(explain(e), e);
    }
  }

  /** The reason and the remedy for a backend that did not start. */
  static String explain(Throwable failure) {
    List<String> reasons = reasons(failure);
    boolean cuda =
        reasons.stream().anyMatch(r -> r.contains("cuda") || r.contains("Cublas") || r.contains("CUDA"));
    String remedy =
        cuda
            ? "This build has the CUDA backend (-Pcuda), which needs an NVIDIA GPU and its driver (libcuda). "
                + "On a machine without one leave -Pcuda out: then the processor computes."
            : "Choose the binaries of this machine: -Dnd4j.classifier=linux-x86_64 on a Linux processor without "
                + "AVX2, macosx-x86_64 or windows-x86_64 elsewhere.";
    return "ND4J's backend does not start: "
        + (reasons.isEmpty() ? failure.toString() : String.join("; ", reasons))
        + System.lineSeparator()
        + remedy;
  }

  private static List<String> reasons(Throwable failure) {
    List<String> reasons = new ArrayList<>();
    @Nullable Throwable cause = failure;
    while (cause != null) {
      String message = cause.getMessage();
      if (message != null && !reasons.contains(message)) {
        reasons.add(message);
      }
      cause = cause.getCause();
    }
    return reasons;
  }
}
