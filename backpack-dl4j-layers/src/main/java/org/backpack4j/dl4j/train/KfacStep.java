package org.backpack4j.dl4j.train;

/**
 * What a step of a {@link Kfac} was made with.
 *
 * @param iteration the iteration's number, as DL4J counts
 * @param damping the damping δ of the step
 * @param learningRate what (C + δ)⁻¹ ḡ was multiplied by before DL4J's updater was given it: 1, the
 *     factor of a norm constraint, or the exact learning rate
 * @param momentum what the step before was multiplied by; 0 without exact momentum
 * @param modelChange the change of the batch's mean loss that the quadratic model says for the
 *     step; NaN where the model was not asked
 * @param reductionRatio the loss's change divided by the model's, from which the damping was
 *     adapted; NaN where it was not, or where the ratio tells nothing because the model says that
 *     the loss does not fall by more than its rounding; negative infinity where the loss after the
 *     step is no finite number
 */
public record KfacStep(
    int iteration,
    double damping,
    double learningRate,
    double momentum,
    double modelChange,
    double reductionRatio) {}
