/**
 * Programs to run and to read: the tutorial, the reference cases, the benchmarks.
 *
 * <p>Begin with {@link org.backpack4j.examples.Tutorial}. {@link
 * org.backpack4j.examples.ReferenceCases} compares the library with figures that were computed
 * elsewhere. {@link org.backpack4j.examples.Backend} says whether ND4J's backend starts on this
 * machine.
 */
@NullMarked
package org.backpack4j.examples;

import org.jspecify.annotations.NullMarked;
