/**
 * Laplace approximations of trained networks: how sure a network is of its answers. {@link
 * org.backpack4j.dl4j.laplace.Laplace} is where to begin.
 */
@NullMarked
package org.backpack4j.dl4j.laplace;

import org.jspecify.annotations.NullMarked;
