/**
 * The three parts of the tutorial on residual networks, which {@link
 * org.backpack4j.examples.Tutorial} runs in this order: {@link
 * org.backpack4j.examples.tutorial.CustomResNet}, {@link
 * org.backpack4j.examples.tutorial.ResNetOfBlocks}, {@link
 * org.backpack4j.examples.tutorial.DeepResNet}.
 */
@NullMarked
package org.backpack4j.examples.tutorial;

import org.jspecify.annotations.NullMarked;
