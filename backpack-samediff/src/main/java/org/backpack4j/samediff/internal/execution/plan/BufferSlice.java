package org.backpack4j.samediff.internal.execution.plan;

import org.backpack4j.samediff.internal.execution.run.Buffer;

/**
 * Where a value lies.
 *
 * @param storage the memory that it lies in
 * @param offset where it begins there, in bytes
 */
public record BufferSlice(Buffer storage, long offset) {}
