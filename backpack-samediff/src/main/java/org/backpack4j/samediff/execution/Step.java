package org.backpack4j.samediff.execution;

import java.util.List;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;

/**
 * One op of a plan that is run.
 *
 * @param node the op
 * @param inputs what it reads
 * @param outputs what it writes
 * @param prepared whether all shapes are known, so that it can be prepared
 * @param forgotten arrays made at run time that are not read after this step
 */
record Step(
    SameDiffOp node,
    List<Value> inputs,
    List<Value> outputs,
    boolean prepared,
    List<Value> forgotten) {}
