/**
 * The quantities of the library by brute force, for tests and for whoever wants to check a result.
 *
 * <p>Nothing but forward evaluations of the person's graph goes into these numbers: central
 * differences in double precision, on a double-precision copy. No rule of the fast way is used, so
 * the two can only agree if both are right. Each number comes with an estimate of its own error;
 * where a kink (of a {@code relu}, of a maximum) is too near, that is said instead of a wrong
 * number.
 *
 * <p>Begin with {@link org.backpack4j.samediff.check.BruteForce}.
 */
@NullMarked
package org.backpack4j.samediff.check;

import org.jspecify.annotations.NullMarked;
