package org.backpack4j.samediff.internal.evaluate;

import org.backpack4j.samediff.extension.Extension;

/** What a listener may be asked for. */
public final class ListenerExtensions {
  private ListenerExtensions() {}

  /**
   * The extensions, if all are of what a training step feeds.
   *
   * @param extensions the extensions
   * @param instead how to have what reads vectors, the end of a sentence
   * @return a copy
   * @throws IllegalArgumentException if one reads placeholders of its own, which nobody feeds
   */
  public static Extension[] checked(Extension[] extensions, String instead) {
    for (Extension extension : extensions) {
      if (extension.readsPlaceholders()) {
        throw new IllegalArgumentException(
            "A listener has nothing to feed for \"" + extension.field() + "\": " + instead);
      }
    }
    return extensions.clone();
  }
}
