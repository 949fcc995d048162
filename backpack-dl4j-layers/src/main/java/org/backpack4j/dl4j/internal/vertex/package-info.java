/**
 * The converters of vertices, one small class for each family; {@link
 * org.backpack4j.dl4j.internal.vertex.Vertices} is the table. How to add one is said in {@link
 * org.backpack4j.dl4j.internal.convert}.
 */
@NullMarked
package org.backpack4j.dl4j.internal.vertex;

import org.jspecify.annotations.NullMarked;
