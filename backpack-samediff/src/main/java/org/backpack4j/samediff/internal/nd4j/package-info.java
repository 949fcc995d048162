/**
 * What touches the internals of SameDiff: copies, fields of ops, saved forms, shared arrays. A
 * later version of Deeplearning4j should need changes here first.
 */
@NullMarked
package org.backpack4j.samediff.internal.nd4j;

import org.jspecify.annotations.NullMarked;
