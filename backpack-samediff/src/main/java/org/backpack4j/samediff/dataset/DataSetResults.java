package org.backpack4j.samediff.dataset;

import java.util.OptionalDouble;
import org.backpack4j.samediff.QuantityResults;

/**
 * The quantities of a data set, as one batch of all of its samples would give them.
 *
 * @param quantities the quantities
 * @param samples the number of samples
 * @param batches the number of batches, those without a sample included
 * @param normaliser what the losses' sums over the samples are divided by: 1 for sums, the number
 *     of samples for means, the sum of the weights for means by weight
 * @param loss the sum of the graph's losses; nothing if it cannot be had from batches: where a sum
 *     over samples and a penalty are one loss variable
 */
public record DataSetResults(
    QuantityResults quantities,
    long samples,
    long batches,
    double normaliser,
    OptionalDouble loss) {}
