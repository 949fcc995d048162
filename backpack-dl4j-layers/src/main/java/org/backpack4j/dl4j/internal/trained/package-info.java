/** What a trained model is, network or graph: how it is fed, its loss, its parameters. */
@NullMarked
package org.backpack4j.dl4j.internal.trained;

import org.jspecify.annotations.NullMarked;
