/** What gathers the quantities of a data set: sums, checkpoints, checks of batches. */
@NullMarked
package org.backpack4j.samediff.internal.dataset;

import org.jspecify.annotations.NullMarked;
