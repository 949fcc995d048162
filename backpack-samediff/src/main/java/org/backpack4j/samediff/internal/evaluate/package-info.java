/**
 * What stands around an evaluation of an extended graph: checks of feeds, indices and memory, which
 * variables are divided into microbatches, and the record of a training.
 */
@NullMarked
package org.backpack4j.samediff.internal.evaluate;

import org.jspecify.annotations.NullMarked;
