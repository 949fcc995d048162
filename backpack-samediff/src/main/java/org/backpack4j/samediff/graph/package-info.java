/**
 * The only package that touches SameDiff's internals: it reads a graph, copies it, runs it op by
 * op, lays it out so that ND4J 1.0.0-M2.1 computes it right, and knows what M2.1 gets wrong.
 *
 * <p>Begin with {@link org.backpack4j.samediff.graph.Walk}, which evaluates a graph in the plainest
 * way there is, and with {@link org.backpack4j.samediff.graph.GraphCopy}, on which every rewriting
 * works. A later version of Deeplearning4j should need changes here and nowhere else.
 */
@NullMarked
package org.backpack4j.samediff.graph;

import org.jspecify.annotations.NullMarked;
