/**
 * One class for each loss: gradient, Hessian root, sampled root. {@link
 * org.backpack4j.samediff.internal.loss.Losses} is the table.
 */
@NullMarked
package org.backpack4j.samediff.internal.loss;

import org.jspecify.annotations.NullMarked;
