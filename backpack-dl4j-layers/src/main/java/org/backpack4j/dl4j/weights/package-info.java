/**
 * What curvature says about the weights of trained networks: which can be removed ({@link
 * org.backpack4j.dl4j.weights.Pruning}), which a new task must not move ({@link
 * org.backpack4j.dl4j.weights.ElasticWeightConsolidation}), and how those of several networks are
 * merged ({@link org.backpack4j.dl4j.weights.FisherMerging}).
 */
@NullMarked
package org.backpack4j.dl4j.weights;

import org.jspecify.annotations.NullMarked;
