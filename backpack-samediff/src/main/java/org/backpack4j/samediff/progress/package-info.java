/**
 * How far long work is, and how to stop it. {@link org.backpack4j.samediff.progress.Progress} is
 * all there is.
 */
@NullMarked
package org.backpack4j.samediff.progress;

import org.jspecify.annotations.NullMarked;
