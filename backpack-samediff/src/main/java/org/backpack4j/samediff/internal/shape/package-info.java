/** Static shapes of a graph, and values that depend on shapes alone. */
@NullMarked
package org.backpack4j.samediff.internal.shape;

import org.jspecify.annotations.NullMarked;
