/** A page that says how a training goes, and what to try where it does not go well. */
@NullMarked
package org.backpack4j.dl4j.report;

import org.jspecify.annotations.NullMarked;
