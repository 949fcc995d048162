/** Kernels that stand for ops, and the threads that they share. */
@NullMarked
package org.backpack4j.samediff.internal.execution.kernel;

import org.jspecify.annotations.NullMarked;
