/**
 * Passes that rewrite a copy before anything is added: what ND4J 1.0.0-M2.1 gets wrong, or what is
 * simplest as a composite, becomes ops that have rules.
 */
@NullMarked
package org.backpack4j.samediff.internal.rewrite;

import org.jspecify.annotations.NullMarked;
