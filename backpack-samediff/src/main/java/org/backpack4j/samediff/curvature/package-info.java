/**
 * Curvature matrices as one interface: products, solutions, determinants, samples and spectra of
 * matrices that belong to a network's parameters, whatever form they have.
 *
 * <p>A {@link org.backpack4j.samediff.curvature.LinearOperator} is a symmetric matrix that is known
 * by its products. Vectors are flat: a {@link org.backpack4j.samediff.curvature.ParameterLayout}
 * says which entries belong to which parameter.
 */
@NullMarked
package org.backpack4j.samediff.curvature;

import org.jspecify.annotations.NullMarked;
