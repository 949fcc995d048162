package org.backpack4j.samediff.execution;

/**
 * The maxima of an image's windows. Has room of its own to work in: one for each thread.
 *
 * @param <A> float[] or double[]
 */
interface Maxima<A> {
  /**
   * The greatest number in each window; not a number, if one is among them; the least finite one
   * where there is none greater, as the native op has it.
   */
  void values(A image, A maxima);

  /** Where the greatest number of each window is in the image: the first, if several are equal. */
  void places(A image, int[] places);
}
