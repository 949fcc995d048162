/**
 * Problems to measure on, with the parameters and data that {@link
 * org.backpack4j.examples.benchmark.HashedInitializer} gives by a formula, so that whoever computes
 * the same work gets the same sums.
 *
 * <p>Begin with {@link org.backpack4j.examples.benchmark.Problems}.
 */
@NullMarked
package org.backpack4j.examples.benchmark;

import org.jspecify.annotations.NullMarked;
