/**
 * One small class for each family of ops: how a signal passes it, and what its parameters
 * contribute.
 */
@NullMarked
package org.backpack4j.samediff.rule;

import org.jspecify.annotations.NullMarked;
