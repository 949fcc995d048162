package org.backpack4j.samediff.execution;

import java.util.List;

/**
 * What an evaluation has to do, for given shapes of the feeds: it holds no memory and is the same
 * for all threads.
 *
 * @param steps the ops to run, in order
 * @param feeds the placeholders that are needed
 * @param sources the parameters and constants that are needed
 * @param results what is asked for
 * @param resultBytes what the results take whose size is known
 * @param arenaBytes the memory in which all intermediate values lie
 * @param distinctBytes what they would take if none reused the memory of another
 */
record Plan(
    List<Step> steps,
    List<Value> feeds,
    List<Source> sources,
    List<Value> results,
    long resultBytes,
    long arenaBytes,
    long distinctBytes) {}
