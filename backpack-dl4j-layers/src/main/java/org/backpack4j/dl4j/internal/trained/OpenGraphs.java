package org.backpack4j.dl4j.internal.trained;

import org.backpack4j.samediff.dataset.BatchGraphs;

/** Graphs with quantities, one for each kind of batch. They keep memory. */
public interface OpenGraphs extends BatchGraphs, AutoCloseable {
  @Override
  void close();
}
