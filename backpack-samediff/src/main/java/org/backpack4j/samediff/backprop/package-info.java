/** What travels backwards through a graph, and the sweep that makes it travel. */
@NullMarked
package org.backpack4j.samediff.backprop;

import org.jspecify.annotations.NullMarked;
