package org.backpack4j.samediff.internal.execution.plan;

import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.backpack4j.samediff.internal.execution.run.Step;

/**
 * What an evaluation has to do, for given shapes of the feeds: it holds no memory and is the same
 * for all threads.
 *
 * @param steps the steps, in order
 * @param places where each value lies that has a shape beforehand
 * @param feeds the placeholders that are needed
 * @param sources the parameters and constants that are needed
 * @param results what is asked for
 * @param resultBytes what the results take whose size is known
 * @param arenaBytes the memory in which all intermediate values lie
 * @param distinctBytes what they would take if none reused the memory of another
 */
public record Plan(
    List<Step> steps,
    Map<Value, BufferSlice> places,
    List<Value> feeds,
    List<Source> sources,
    List<Value> results,
    long resultBytes,
    long arenaBytes,
    long distinctBytes) {

  /** All ops that are run, those in repeated stretches among them. */
  public Stream<Step.Run> runs() {
    return runs(steps);
  }

  private static Stream<Step.Run> runs(List<Step> steps) {
    return steps.stream()
        .flatMap(
            step -> {
              if (step instanceof Step.Run run) {
                return Stream.of(run);
              }
              return step instanceof Step.Repeat repeat ? runs(repeat.steps()) : Stream.empty();
            });
  }
}
