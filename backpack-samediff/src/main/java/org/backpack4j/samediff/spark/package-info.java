/**
 * Quantities of data sets that lie on many machines, by Apache Spark 3.5, which is an optional
 * dependency: whoever does not use this package does not need it.
 */
@NullMarked
package org.backpack4j.samediff.spark;

import org.jspecify.annotations.NullMarked;
