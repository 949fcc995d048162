/** Runs a plan: buffers, prepared ops, results. */
@NullMarked
package org.backpack4j.samediff.internal.execution.run;

import org.jspecify.annotations.NullMarked;
