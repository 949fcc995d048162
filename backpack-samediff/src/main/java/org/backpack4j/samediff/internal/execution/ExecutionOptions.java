package org.backpack4j.samediff.internal.execution;

import java.util.List;
import java.util.Map;
import java.util.Set;
import org.backpack4j.samediff.Progress;

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
 * @param portions what can be computed for some samples at a time
 * @param budget the memory that one thread is to work in; where that is not enough, as few samples
 *     at a time are worked through as it takes, and at least one
 * @param progress hears of each group of samples, and may stop the evaluation
 */
public record ExecutionOptions(
    int plans,
    int threads,
    boolean prepared,
    boolean kernels,
    List<Fusion> fusions,
    Portioning portions,
    Budget budget,
    Progress progress) {

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
   * Where a variable has the samples: its axis number {@code axis} has the extent {@code outer · N
   * · inner}.
   *
   * @param axis the axis
   * @param outer what is folded into the axis before the samples
   * @param inner what is folded into it behind them
   */
  public record Axis(int axis, long outer, long inner) {

    /**
     * An axis that has the samples and nothing else.
     *
     * @param axis the axis
     * @return the axis
     */
    public static Axis of(int axis) {
      return new Axis(axis, 1, 1);
    }

    /** The number of samples in an array of a shape; 0 if the shape does not have this axis. */
    public long samples(long[] shape) {
      long folded = outer * inner;
      return axis < shape.length && shape[axis] % folded == 0 ? shape[axis] / folded : 0;
    }

    /** The shape with another number of samples. */
    public long[] with(long[] shape, long samples) {
      long[] other = shape.clone();
      other[axis] = outer * samples * inner;
      return other;
    }
  }

  /**
   * The memory that one thread is to work in.
   *
   * <p>Where even one sample at a time needs more, because of what it needs beside the samples, the
   * number of samples hardly matters to the memory and much to the time: then there may be as many
   * as take {@code stretch} times the memory of one.
   *
   * @param bytes the bytes
   * @param stretch at least 1; with 1 it is one sample at a time
   */
  public record Budget(long bytes, double stretch) {
    private static final double STRETCH = 1.25;

    /**
     * Checks the numbers.
     *
     * @param bytes the bytes
     * @param stretch how much more than one sample takes is allowed
     */
    public Budget {
      if (bytes < 1 || !(stretch >= 1)) {
        throw new IllegalArgumentException(
            "A budget has at least one byte and stretches by at least one, not "
                + bytes
                + " and "
                + stretch
                + ".");
      }
    }

    /**
     * A budget beyond which a quarter more than one sample's memory is allowed.
     *
     * @param bytes the bytes
     * @return the budget
     */
    public static Budget of(long bytes) {
      return new Budget(bytes, STRETCH);
    }

    /**
     * The bytes that a plan may take.
     *
     * @param least what it takes with one sample at a time
     */
    public long room(long least) {
      return least <= bytes ? bytes : (long) (stretch * least);
    }
  }

  /**
   * What can be computed for some samples at a time, so that large intermediate values never exist
   * for all samples at once. What depends on a root is worked through so, as far as these options
   * reach.
   *
   * @param roots sets of variables with samples, placeholders among them, from which on memory is
   *     scarce: the first set is tried first, a later one if that does not save enough
   * @param axes where variables have the samples, placeholders among them; a variable that is not
   *     named here has none, or is not to be divided
   * @param additive variables that have no samples and are sums over them: the value for all
   *     samples is the sum of those for any groups of samples
   */
  public record Portioning(List<Set<String>> roots, Map<String, Axis> axes, Set<String> additive) {
    /** Nothing is divided. */
    public static final Portioning NONE = new Portioning(List.of(), Map.of(), Set.of());

    /**
     * Keeps copies.
     *
     * @param roots sets of variables from which on memory is scarce
     * @param axes where variables have the samples
     * @param additive variables that are sums over the samples
     */
    public Portioning {
      roots = roots.stream().map(Set::copyOf).toList();
      axes = Map.copyOf(axes);
      additive = Set.copyOf(additive);
    }
  }

  /**
   * Checks the limits.
   *
   * @param plans how many plans are kept
   * @param threads how many threads may run the same plan at once
   * @param prepared whether memory is laid out beforehand
   * @param kernels whether kernels are used
   * @param fusions values that kernels can compute
   * @param portions what can be computed for some samples at a time
   * @param budget the memory that one thread is to work in
   * @param progress is told how far an evaluation is
   */
  public ExecutionOptions {
    if (plans < 1 || threads < 1) {
      throw new IllegalArgumentException(
          "At least one plan and one thread are needed, not " + plans + " and " + threads + ".");
    }
    fusions = List.copyOf(fusions);
  }

  /**
   * Eight plans, as many threads as there are processors, and all the memory that is wanted.
   *
   * @return the options
   */
  public static ExecutionOptions defaults() {
    return new ExecutionOptions(
        8,
        Runtime.getRuntime().availableProcessors(),
        true,
        true,
        List.of(),
        Portioning.NONE,
        Budget.of(Long.MAX_VALUE),
        Progress.NONE);
  }

  /**
   * With another number of plans to keep.
   *
   * @param plans the number
   * @return the options
   */
  public ExecutionOptions withPlans(int plans) {
    return new ExecutionOptions(
        plans, threads, prepared, kernels, fusions, portions, budget, progress);
  }

  /**
   * With another limit of threads in one plan at once.
   *
   * @param threads the limit
   * @return the options
   */
  public ExecutionOptions withThreads(int threads) {
    return new ExecutionOptions(
        plans, threads, prepared, kernels, fusions, portions, budget, progress);
  }

  /**
   * With memory laid out beforehand, or without.
   *
   * @param prepared whether to prepare
   * @return the options
   */
  public ExecutionOptions withPrepared(boolean prepared) {
    return new ExecutionOptions(
        plans, threads, prepared, kernels, fusions, portions, budget, progress);
  }

  /**
   * With kernels, or by native ops alone.
   *
   * @param kernels whether to use kernels
   * @return the options
   */
  public ExecutionOptions withKernels(boolean kernels) {
    return new ExecutionOptions(
        plans, threads, prepared, kernels, fusions, portions, budget, progress);
  }

  /**
   * With values that kernels can compute.
   *
   * @param fusions the values
   * @return the options
   */
  public ExecutionOptions withFusions(List<Fusion> fusions) {
    return new ExecutionOptions(
        plans, threads, prepared, kernels, fusions, portions, budget, progress);
  }

  /**
   * With what can be computed for some samples at a time.
   *
   * @param portions what can be divided, and how
   * @return the options
   */
  public ExecutionOptions withPortions(Portioning portions) {
    return new ExecutionOptions(
        plans, threads, prepared, kernels, fusions, portions, budget, progress);
  }

  /**
   * With another limit of memory.
   *
   * @param budget the memory that one thread is to work in
   * @return the options
   */
  public ExecutionOptions withBudget(Budget budget) {
    return new ExecutionOptions(
        plans, threads, prepared, kernels, fusions, portions, budget, progress);
  }

  /**
   * With somebody who hears of each group of samples.
   *
   * @param progress the listener
   * @return the options
   */
  public ExecutionOptions withProgress(Progress progress) {
    return new ExecutionOptions(
        plans, threads, prepared, kernels, fusions, portions, budget, progress);
  }
}
