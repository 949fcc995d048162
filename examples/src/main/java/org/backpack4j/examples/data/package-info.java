/**
 * Real images for the examples: {@link org.backpack4j.examples.data.FashionMnist} comes with them.
 */
@NullMarked
package org.backpack4j.examples.data;

import org.jspecify.annotations.NullMarked;
