/**
 * The converters of activation functions, one small class for each family; {@link
 * org.backpack4j.dl4j.internal.activation.Activations} is the table. How to add one is said in
 * {@link org.backpack4j.dl4j.internal.convert}.
 */
@NullMarked
package org.backpack4j.dl4j.internal.activation;

import org.jspecify.annotations.NullMarked;
