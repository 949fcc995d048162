package org.backpack4j.samediff.internal.evaluate;

import org.backpack4j.samediff.extension.Columns;
import org.backpack4j.samediff.extension.Extension;

/** What a listener may be asked for. */
public final class ListenerExtensions {
  private ListenerExtensions() {}

  /**
   * The extensions, if all are of what a training step feeds.
   *
   * @param extensions the extensions
   * @param instead how to have products with vectors, the end of a sentence
   * @return a copy
   * @throws IllegalArgumentException if one is a product with vectors, which nobody feeds
   */
  public static Extension[] checked(Extension[] extensions, String instead) {
    for (Extension extension : extensions) {
      Columns.Kind kind = extension.columns().kind();
      if (kind == Columns.Kind.VECTORS || kind == Columns.Kind.HESSIAN_VECTORS) {
        throw new IllegalArgumentException(
            "A listener has no vectors to feed for \"" + extension.field() + "\": " + instead);
      }
    }
    return extensions.clone();
  }
}
