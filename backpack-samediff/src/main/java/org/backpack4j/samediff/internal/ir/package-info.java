/** What the library knows of a graph: nodes, batch axes, calls of kernels. */
@NullMarked
package org.backpack4j.samediff.internal.ir;

import org.jspecify.annotations.NullMarked;
