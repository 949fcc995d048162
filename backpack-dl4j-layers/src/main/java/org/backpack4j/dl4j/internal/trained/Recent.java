package org.backpack4j.dl4j.internal.trained;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Things that keep memory, those that were used last.
 *
 * @param <K> what one is known by
 * @param <V> the things
 */
public final class Recent<K, V> {
  private final Map<K, V> kept = new LinkedHashMap<>(16, 0.75f, true);
  private final int most;
  private final Consumer<V> closing;

  /**
   * None so far.
   *
   * @param most how many are kept
   * @param closing frees one
   */
  public Recent(int most, Consumer<V> closing) {
    this.most = most;
    this.closing = closing;
  }

  /** The thing of a key, which is made if there is none. */
  public V get(K key, Function<K, V> made) {
    @Nullable V found = kept.get(key);
    if (found != null) {
      return found;
    }
    V here = made.apply(key);
    kept.put(key, here);
    if (kept.size() > most) {
      K eldest = kept.keySet().iterator().next();
      closing.accept(kept.remove(eldest));
    }
    return here;
  }

  /** Frees all of them. */
  public void close() {
    kept.values().forEach(closing);
    kept.clear();
  }
}
