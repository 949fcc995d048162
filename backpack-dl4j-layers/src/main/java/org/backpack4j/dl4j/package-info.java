/**
 * BackPACK for Deeplearning4j networks. Begin with {@link org.backpack4j.dl4j.Dl4jConverter}, which
 * turns a network into a SameDiff graph that shares its parameters.
 */
@NullMarked
package org.backpack4j.dl4j;

import org.jspecify.annotations.NullMarked;
