/** Emits ops: {@link org.backpack4j.samediff.internal.emit.Emitter} is the vocabulary of rules. */
@NullMarked
package org.backpack4j.samediff.internal.emit;

import org.jspecify.annotations.NullMarked;
