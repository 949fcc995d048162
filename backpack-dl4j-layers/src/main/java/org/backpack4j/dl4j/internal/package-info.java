/**
 * What the library converts: {@link org.backpack4j.dl4j.internal.NetworkConverter} has all tables.
 */
@NullMarked
package org.backpack4j.dl4j.internal;

import org.jspecify.annotations.NullMarked;
