/**
 * One small class for each family of ops: its VJP, its parameters' VJP, and the root of its
 * Hessian. {@link org.backpack4j.samediff.internal.rule.Rules} is the table.
 */
@NullMarked
package org.backpack4j.samediff.internal.rule;

import org.jspecify.annotations.NullMarked;
