/**
 * Evaluates a graph op by op, in the plainest way there is: the reference of the planned execution.
 */
@NullMarked
package org.backpack4j.samediff.internal.interpret;

import org.jspecify.annotations.NullMarked;
