/** What ND4J 1.0.0-M2.1 computes wrongly in a graph of the user's own, and the warnings of it. */
@NullMarked
package org.backpack4j.samediff.internal.faults;

import org.jspecify.annotations.NullMarked;
