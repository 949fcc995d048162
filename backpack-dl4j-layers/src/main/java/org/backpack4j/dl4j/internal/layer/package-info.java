/**
 * The converters of layers, one small class for each family; {@link
 * org.backpack4j.dl4j.internal.layer.Layers} is the table. How to add one is said in {@link
 * org.backpack4j.dl4j.internal.convert}.
 */
@NullMarked
package org.backpack4j.dl4j.internal.layer;

import org.jspecify.annotations.NullMarked;
