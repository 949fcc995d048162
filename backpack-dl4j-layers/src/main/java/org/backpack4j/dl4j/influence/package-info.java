/**
 * Which training samples a trained network's loss on a test sample depends on, and which training
 * samples are likely to be labelled wrongly. Begin with {@link
 * org.backpack4j.dl4j.influence.Influence}.
 */
@NullMarked
package org.backpack4j.dl4j.influence;

import org.jspecify.annotations.NullMarked;
