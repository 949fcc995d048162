/**
 * How far long work is, and how to stop it: {@link org.backpack4j.samediff.progress.Progress}. And
 * what the log says of it.
 */
@NullMarked
package org.backpack4j.samediff.progress;

import org.jspecify.annotations.NullMarked;
