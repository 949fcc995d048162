/**
 * The machinery that converts a network: {@link
 * org.backpack4j.dl4j.internal.convert.NetworkConversion} walks along its layers and vertices and
 * asks the converter of each, by the class of its configuration. The converters implement the
 * interfaces of {@link org.backpack4j.dl4j.spi}, as a person's own do.
 *
 * <p>To add a layer to the library:
 *
 * <ol>
 *   <li>write a class that implements {@link org.backpack4j.dl4j.spi.LayerConverter} in {@code
 *       org.backpack4j.dl4j.internal.layer} (or a vertex, preprocessor, activation, loss function
 *       or dropout in the package of that name), and enter it in the table there: {@code Layers},
 *       by the exact class of the configuration;
 *   <li>add a case to a test that calls {@code Converted.check}: it compares activations, score,
 *       gradient and the gradient of each sample with DL4J's own.
 * </ol>
 */
@NullMarked
package org.backpack4j.dl4j.internal.convert;

import org.jspecify.annotations.NullMarked;
