/**
 * Networks of the kinds that Deeplearning4j's own example programs train, under the listener;
 * {@link org.backpack4j.examples.programs.OfficialPrograms} makes the table of what each of them
 * gives.
 */
@NullMarked
package org.backpack4j.examples.programs;

import org.jspecify.annotations.NullMarked;
