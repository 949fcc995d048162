package org.backpack4j.examples.benchmark;

import org.backpack4j.examples.OwnClassPath;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.CommandLineOptionException;
import org.openjdk.jmh.runner.options.CommandLineOptions;

/**
 * Runs {@link KernelBenchmark} and {@link SquaredSumBenchmark} by JMH. The arguments are JMH's; a
 * name chooses a benchmark.
 */
public final class MicroBenchmarks {
  private MicroBenchmarks() {}

  /**
   * Runs them.
   *
   * @param args JMH's command line
   * @throws RunnerException if a benchmark fails
   * @throws CommandLineOptionException if the arguments are none of JMH's
   */
  public static void main(String[] args) throws RunnerException, CommandLineOptionException {
    // JMH's own processes get it from there; inside Maven it is another one.
    System.setProperty("java.class.path", OwnClassPath.argument());
    new Runner(new CommandLineOptions(args)).run();
  }
}
