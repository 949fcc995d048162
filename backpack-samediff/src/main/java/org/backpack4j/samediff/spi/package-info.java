/**
 * What authors of extensions build on: {@link org.backpack4j.samediff.spi.ParameterVjp}, a
 * parameter's vector-Jacobian product that is not computed yet, {@link
 * org.backpack4j.samediff.spi.Emitter}, which emits ops, and {@link
 * org.backpack4j.samediff.spi.Tensor}, what they give, with its symbolic shape.
 */
@NullMarked
package org.backpack4j.samediff.spi;

import org.jspecify.annotations.NullMarked;
