package org.backpack4j.samediff.spark;

import java.io.Serializable;
import java.util.Iterator;
import org.backpack4j.samediff.internal.dataset.Batches;

/**
 * How a partition's records are read as batches.
 *
 * @param <T> what a record is
 */
interface Reading<T> extends Serializable {
  /** The batches of a partition. */
  Batches of(Iterator<T> records);
}
