/**
 * What authors of converters build on. A layer, vertex, preprocessor, activation function, loss
 * function or dropout of a person's own becomes part of the converted graph by a class that
 * implements the converter of that name, and a line that registers it ({@link
 * org.backpack4j.dl4j.spi.ConverterProvider}).
 *
 * <ol>
 *   <li>{@link org.backpack4j.dl4j.spi.ConversionContext} hands a converter the input with its
 *       shape, the layer's parameters by DL4J's keys as variables that share the network's arrays,
 *       and activation functions. It emits what DL4J computes in training mode and answers the
 *       output with its shape;
 *   <li>what it does not cover it tells in {@code check}, from the configuration alone, or by
 *       {@code throw context.refuse(…)} where the shapes decide;
 *   <li>a layer that contains another one converts it by {@link
 *       org.backpack4j.dl4j.spi.ConversionContext#inner};
 *   <li>an output layer gives rows of values before the activation to {@link
 *       org.backpack4j.dl4j.spi.ConversionContext#loss}.
 * </ol>
 */
@NullMarked
package org.backpack4j.dl4j.spi;

import org.jspecify.annotations.NullMarked;
