/**
 * The converters of loss functions, one small class for each family; {@link
 * org.backpack4j.dl4j.loss.LossFunctions} is the table. How to add one is said in {@link
 * org.backpack4j.dl4j.convert}.
 */
@NullMarked
package org.backpack4j.dl4j.loss;

import org.jspecify.annotations.NullMarked;
