/**
 * The converters of activation functions, one small class for each family; {@link
 * org.backpack4j.dl4j.activation.Activations} is the table. How to add one is said in {@link
 * org.backpack4j.dl4j.convert}.
 */
@NullMarked
package org.backpack4j.dl4j.activation;

import org.jspecify.annotations.NullMarked;
