/**
 * BackPACK for SameDiff graphs. Begin with {@link org.backpack4j.samediff.BackPack}.
 *
 * @serial exclude
 */
@NullMarked
package org.backpack4j.samediff;

import org.jspecify.annotations.NullMarked;
