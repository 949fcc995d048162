package org.backpack4j.samediff.execution;

/**
 * Where a value lies.
 *
 * @param storage the memory that it lies in
 * @param offset where it begins there, in bytes
 */
record Place(Storage storage, long offset) {}
