/**
 * Makes a plan: shapes, kernels in the place of ops, liveness, buffers in one arena, microbatches.
 */
@NullMarked
package org.backpack4j.samediff.internal.execution.plan;

import org.jspecify.annotations.NullMarked;
