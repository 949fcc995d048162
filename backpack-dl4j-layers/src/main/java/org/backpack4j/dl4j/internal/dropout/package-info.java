/**
 * The converters of what changes a layer's input at random, one for each kind; {@link
 * org.backpack4j.dl4j.internal.dropout.Dropouts} is the table. Their random numbers are those that
 * DL4J drew in the iteration. How to add one is said in {@link
 * org.backpack4j.dl4j.internal.convert}.
 */
@NullMarked
package org.backpack4j.dl4j.internal.dropout;

import org.jspecify.annotations.NullMarked;
