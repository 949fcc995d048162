/** One class for each loss: gradient, Hessian factor, sampled factor. */
@NullMarked
package org.backpack4j.samediff.loss;

import org.jspecify.annotations.NullMarked;
