/**
 * Building blocks for DL4J's {@code GraphBuilder}: {@link org.backpack4j.dl4j.blocks.Block}s one
 * after the other, {@link org.backpack4j.dl4j.blocks.Parallel} branches with a {@link
 * org.backpack4j.dl4j.blocks.SumModule} or another vertex behind them, and {@link
 * org.backpack4j.dl4j.blocks.ResNet}s made of these.
 */
@NullMarked
package org.backpack4j.dl4j.blocks;

import org.jspecify.annotations.NullMarked;
