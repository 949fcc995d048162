/**
 * Reference cases: small networks with figures that were computed elsewhere, read from a folder and
 * built as SameDiff graphs.
 *
 * <p>Begin with {@link org.backpack4j.examples.reference.CaseReader}, which reads a case, and
 * {@link org.backpack4j.examples.reference.CaseGraph}, which builds its graph out of the {@link
 * org.backpack4j.examples.reference.Modules}, PyTorch's modules written in SameDiff's ops.
 */
@NullMarked
package org.backpack4j.examples.reference;

import org.jspecify.annotations.NullMarked;
