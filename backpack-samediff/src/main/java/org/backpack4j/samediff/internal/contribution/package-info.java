/**
 * VJPs of parameters, not yet computed: per sample, summed, squared and summed, norms, and the
 * cheapest way to each.
 */
@NullMarked
package org.backpack4j.samediff.internal.contribution;

import org.jspecify.annotations.NullMarked;
