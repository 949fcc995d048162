/**
 * Building blocks for networks in SameDiff, named as in PyTorch: layers, {@link
 * org.backpack4j.examples.blocks.Sequential}, {@link org.backpack4j.examples.blocks.Parallel} with
 * {@link org.backpack4j.examples.blocks.SumModule} for skip connections, and {@link
 * org.backpack4j.examples.blocks.ResNet18}.
 *
 * <p>Begin with {@link org.backpack4j.examples.blocks.Network}, into which blocks are built.
 */
@NullMarked
package org.backpack4j.examples.blocks;

import org.jspecify.annotations.NullMarked;
