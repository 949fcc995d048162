/**
 * One class for each quantity, in terms of contributions.
 *
 * @serial exclude
 */
@NullMarked
package org.backpack4j.samediff.extension;

import org.jspecify.annotations.NullMarked;
