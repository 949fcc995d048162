/**
 * A planned execution of a graph: for given input shapes everything that does not depend on numbers
 * is worked out once, and an evaluation is a walk along prepared ops.
 *
 * <p>Begin with {@link org.backpack4j.samediff.execution.PlannedGraph}, the way in. {@link
 * org.backpack4j.samediff.execution.Planner} makes a {@link org.backpack4j.samediff.execution.Plan}
 * (order, shapes, places in memory), a {@link org.backpack4j.samediff.execution.Machine} is a plan
 * with memory under it, and runs. The package knows nothing of what a graph means; what an emitter
 * knows about its ops comes as {@link org.backpack4j.samediff.execution.Hints}, all of them
 * optional.
 */
@NullMarked
package org.backpack4j.samediff.execution;

import org.jspecify.annotations.NullMarked;
