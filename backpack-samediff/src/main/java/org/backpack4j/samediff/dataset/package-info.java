/** Quantities of whole data sets, gathered batch by batch. */
@NullMarked
package org.backpack4j.samediff.dataset;

import org.jspecify.annotations.NullMarked;
