/** A cluster of Apache Spark on one machine: {@code examples/spark/run-cluster}. */
@NullMarked
package org.backpack4j.examples.spark;

import org.jspecify.annotations.NullMarked;
