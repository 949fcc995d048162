package org.backpack4j.samediff.execution;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;

/**
 * One op of a plan that is run.
 *
 * @param node the op
 * @param inputs what it reads
 * @param outputs what it writes
 * @param prepared whether all shapes are known, so that it can be prepared
 * @param kernel computes the output in place of the op, if there is one
 * @param scratch where the kernel may write
 * @param forgotten arrays made at run time that are not read after this step
 */
record Step(
    SameDiffOp node,
    List<Value> inputs,
    List<Value> outputs,
    boolean prepared,
    @Nullable Kernel kernel,
    @Nullable Value scratch,
    List<Value> forgotten) {}
