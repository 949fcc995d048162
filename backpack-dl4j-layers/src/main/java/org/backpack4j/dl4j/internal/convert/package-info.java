/**
 * The machinery that converts a network: {@link
 * org.backpack4j.dl4j.internal.convert.NetworkConversion} walks along its layers and vertices and
 * asks the converter of each, by the class of its configuration.
 *
 * <p>To add a layer:
 *
 * <ol>
 *   <li>write a class that implements {@link org.backpack4j.dl4j.internal.convert.LayerConverter}
 *       in {@code org.backpack4j.dl4j.internal.layer} (or a vertex, preprocessor, activation, loss
 *       function or dropout in the package of that name). {@link
 *       org.backpack4j.dl4j.internal.convert.ConversionContext} hands it the input with its shape,
 *       the layer's parameters by DL4J's keys as variables that share the network's arrays, and
 *       activation functions. It emits what DL4J computes in training mode and answers the output
 *       with its shape;
 *   <li>enter it in the table: {@code Layers}, by the exact class of the configuration;
 *   <li>what it does not cover it tells in {@code check}, from the configuration alone, or by
 *       {@code throw context.refuse(…)} where the shapes decide;
 *   <li>a layer that contains another one converts it by {@link
 *       org.backpack4j.dl4j.internal.convert.ConversionContext#inner};
 *   <li>an output layer gives rows of values before the activation to {@link
 *       org.backpack4j.dl4j.internal.convert.ConversionContext#loss};
 *   <li>add a case to a test that calls {@code Converted.check}: it compares activations, score,
 *       gradient and the gradient of each sample with DL4J's own.
 * </ol>
 */
@NullMarked
package org.backpack4j.dl4j.internal.convert;

import org.jspecify.annotations.NullMarked;
