package org.backpack4j.samediff.internal.execution;

/**
 * How long one step of an evaluation took.
 *
 * @param op the name of the op in the graph
 * @param kind the native op, or the kernel in its place
 * @param nanoseconds how long it took
 * @param bytes what it read and wrote, as far as that is known beforehand
 */
public record Timing(String op, String kind, long nanoseconds, long bytes) {}
