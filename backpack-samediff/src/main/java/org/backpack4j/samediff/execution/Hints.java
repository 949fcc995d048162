package org.backpack4j.samediff.execution;

import java.util.List;

/**
 * How a graph is to be executed. None of it changes what comes out.
 *
 * @param plans how many plans are kept, one for each combination of feed shapes and names; the one
 *     that was not used for longest is dropped first
 * @param threads how many threads may run the same plan at once, each in memory of its own; further
 *     ones wait
 * @param prepared whether memory is laid out beforehand; else every op runs into new arrays, as it
 *     does on any backend but the native CPU one
 * @param kernels whether a faster way than the native op is taken where there is one
 * @param fusions values that a kernel can compute in place of the ops that define them
 */
public record Hints(
    int plans, int threads, boolean prepared, boolean kernels, List<Fusion> fusions) {

  /**
   * A value that a kernel can compute in place of the ops that define it.
   *
   * @param kernel the kernel's name; one that is not known is not used
   * @param inputs the variables that the kernel reads
   * @param output the variable that it computes
   * @param arguments the kernel's arguments
   */
  public record Fusion(String kernel, List<String> inputs, String output, List<Long> arguments) {

    /**
     * Keeps copies.
     *
     * @param kernel the kernel's name
     * @param inputs the variables that the kernel reads
     * @param output the variable that it computes
     * @param arguments the kernel's arguments
     */
    public Fusion {
      inputs = List.copyOf(inputs);
      arguments = List.copyOf(arguments);
    }
  }

  /**
   * Checks the limits.
   *
   * @param plans how many plans are kept
   * @param threads how many threads may run the same plan at once
   * @param prepared whether memory is laid out beforehand
   * @param kernels whether kernels are used
   * @param fusions values that a kernel can compute
   */
  public Hints {
    if (plans < 1 || threads < 1) {
      throw new IllegalArgumentException(
          "At least one plan and one thread are needed, not " + plans + " and " + threads + ".");
    }
    fusions = List.copyOf(fusions);
  }

  /**
   * Eight plans, and as many threads as there are processors.
   *
   * @return the hints
   */
  public static Hints none() {
    return new Hints(8, Runtime.getRuntime().availableProcessors(), true, true, List.of());
  }

  /**
   * With another number of plans to keep.
   *
   * @param plans the number
   * @return the hints
   */
  public Hints withPlans(int plans) {
    return new Hints(plans, threads, prepared, kernels, fusions);
  }

  /**
   * With another limit of threads in one plan at once.
   *
   * @param threads the limit
   * @return the hints
   */
  public Hints withThreads(int threads) {
    return new Hints(plans, threads, prepared, kernels, fusions);
  }

  /**
   * With memory laid out beforehand, or without.
   *
   * @param prepared whether to prepare
   * @return the hints
   */
  public Hints withPrepared(boolean prepared) {
    return new Hints(plans, threads, prepared, kernels, fusions);
  }

  /**
   * With kernels, or by native ops alone.
   *
   * @param kernels whether to use kernels
   * @return the hints
   */
  public Hints withKernels(boolean kernels) {
    return new Hints(plans, threads, prepared, kernels, fusions);
  }

  /**
   * With values that kernels can compute.
   *
   * @param fusions the values
   * @return the hints
   */
  public Hints withFusions(List<Fusion> fusions) {
    return new Hints(plans, threads, prepared, kernels, fusions);
  }
}
