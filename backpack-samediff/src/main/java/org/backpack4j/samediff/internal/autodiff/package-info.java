/**
 * Reverse-mode differentiation: {@link org.backpack4j.samediff.internal.autodiff.Rule} has the
 * vector-Jacobian product (VJP) of a kind of op, {@link
 * org.backpack4j.samediff.internal.autodiff.ReversePass} carries cotangents backwards.
 */
@NullMarked
package org.backpack4j.samediff.internal.autodiff;

import org.jspecify.annotations.NullMarked;
