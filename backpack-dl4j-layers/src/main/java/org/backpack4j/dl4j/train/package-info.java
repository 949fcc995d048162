/**
 * Training: by planned steps, in the place of DL4J's own forward and backward passes, and with
 * differential privacy.
 */
@NullMarked
package org.backpack4j.dl4j.train;

import org.jspecify.annotations.NullMarked;
