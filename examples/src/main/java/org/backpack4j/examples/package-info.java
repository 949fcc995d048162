/**
 * Programs to run and to read: the tutorial, the reference cases, the benchmarks.
 *
 * <p>{@link org.backpack4j.examples.Backend} says whether ND4J's backend starts on this machine.
 */
@NullMarked
package org.backpack4j.examples;

import org.jspecify.annotations.NullMarked;
