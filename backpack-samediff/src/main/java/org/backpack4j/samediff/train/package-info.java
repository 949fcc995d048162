/** Trains SameDiff graphs by planned steps. */
@NullMarked
package org.backpack4j.samediff.train;

import org.jspecify.annotations.NullMarked;
