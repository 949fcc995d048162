/**
 * How much privacy a training with noise has spent: accountants of the Gaussian mechanism on
 * batches that are drawn by Poisson sampling.
 *
 * <p>A {@link org.backpack4j.samediff.privacy.PrivacyLedger} says what was done, a {@link
 * org.backpack4j.samediff.privacy.PrivacyAccountant} what that is worth in (ε, δ), and {@link
 * org.backpack4j.samediff.privacy.NoiseMultiplier} how much noise keeps to a budget. Mathematics
 * alone: nothing here knows a network, clips a gradient or draws noise.
 */
@NullMarked
package org.backpack4j.samediff.privacy;

import org.jspecify.annotations.NullMarked;
