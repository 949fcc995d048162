package org.backpack4j.samediff.internal.ir;

import java.util.List;
import org.backpack4j.samediff.spi.Tensor;

/**
 * A value that a planned execution may compute by a kernel of its own, in place of the ops between
 * the inputs and the value. The ops stay in the graph and define the value.
 *
 * @param kernel the kernel's name
 * @param inputs its inputs
 * @param output the value
 * @param arguments its arguments
 */
public record KernelCall(String kernel, List<Tensor> inputs, Tensor output, long[] arguments) {}
