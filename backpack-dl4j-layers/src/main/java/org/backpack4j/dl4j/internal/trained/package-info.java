/** What is done with a network that has been trained. */
@NullMarked
package org.backpack4j.dl4j.internal.trained;

import org.jspecify.annotations.NullMarked;
