/**
 * Explanations of predictions: what a trained network's score of a class owes to each entry of an
 * input, to a pixel, a token, a step of a time series. {@link
 * org.backpack4j.dl4j.explain.Explainer} is the way in.
 */
@NullMarked
package org.backpack4j.dl4j.explain;

import org.jspecify.annotations.NullMarked;
