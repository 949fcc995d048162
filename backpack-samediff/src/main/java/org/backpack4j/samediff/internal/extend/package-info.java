/**
 * The passes that extend a graph, in the order of {@link
 * org.backpack4j.samediff.internal.extend.Extender}.
 */
@NullMarked
package org.backpack4j.samediff.internal.extend;

import org.jspecify.annotations.NullMarked;
