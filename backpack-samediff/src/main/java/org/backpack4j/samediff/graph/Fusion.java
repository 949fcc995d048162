package org.backpack4j.samediff.graph;

import java.util.List;

/**
 * A value that a planned execution may compute by a kernel of its own, in place of the ops between
 * the inputs and the value. The ops stay in the graph and define the value.
 *
 * @param kernel the kernel's name
 * @param inputs its inputs
 * @param output the value
 * @param arguments its arguments
 */
public record Fusion(String kernel, List<Tensor> inputs, Tensor output, long[] arguments) {}
