/**
 * The planned step behind {@link org.backpack4j.dl4j.train.PlannedTraining}.
 *
 * <p>{@code fit} stays DL4J's own: its loop, counters, listeners, updater and constraints. Its
 * solver is exchanged for a {@link org.backpack4j.dl4j.internal.train.PlannedSolver}, whose
 * optimiser has its gradient from a {@link org.backpack4j.dl4j.internal.train.PlannedPass} instead
 * of {@code computeGradientAndScore}. A listener that wants quantities of the same pass is a {@link
 * org.backpack4j.dl4j.internal.train.QuantityListener}.
 */
@NullMarked
package org.backpack4j.dl4j.internal.train;

import org.jspecify.annotations.NullMarked;
