/**
 * A planned execution of a graph: for given input shapes everything that does not depend on numbers
 * is worked out once, and an evaluation is a walk along prepared ops. Begin with {@link
 * org.backpack4j.samediff.internal.execution.PlannedGraph}. The package knows nothing of what a
 * graph means; what an emitter knows of its ops comes as {@link
 * org.backpack4j.samediff.internal.execution.ExecutionOptions}.
 */
@NullMarked
package org.backpack4j.samediff.internal.execution;

import org.jspecify.annotations.NullMarked;
