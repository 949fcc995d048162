/**
 * The algebra of a parameter's Jacobian: per-sample, sum, squared sum, norms, the cheapest way to
 * each.
 */
@NullMarked
package org.backpack4j.samediff.contribution;

import org.jspecify.annotations.NullMarked;
