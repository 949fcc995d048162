package org.backpack4j.samediff.internal.evaluate;

import java.lang.ref.Cleaner;
import java.lang.ref.WeakReference;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Something for each network or graph that a listener hears of: made when it is first asked for,
 * kept while the model lives, closed when the garbage collector has taken the model.
 *
 * <p>Models are told apart by identity. What is kept must not hold on to its model, else neither is
 * ever let go of. Any number of threads may use this at once.
 *
 * @param <M> the models
 * @param <T> what there is for each
 */
public final class PerModel<M, T extends AutoCloseable> {
  private static final Cleaner CLEANER = Cleaner.create();

  private final Supplier<T> maker;
  private final Map<Key, T> all = new HashMap<>();

  /**
   * Nothing yet.
   *
   * @param maker makes what a model has none of; it is not told the model, so as not to keep it
   */
  public PerModel(Supplier<T> maker) {
    this.maker = maker;
  }

  /** A model that may go; equal to every other key of the same one. */
  private static final class Key extends WeakReference<Object> {
    private final int hash;

    Key(Object model) {
      super(model);
      hash = System.identityHashCode(model);
    }

    @Override
    public int hashCode() {
      return hash;
    }

    @Override
    public boolean equals(@Nullable Object other) {
      if (this == other) {
        return true;
      }
      Object model = get();
      return model != null && other instanceof Key key && key.get() == model;
    }
  }

  /**
   * What a model has.
   *
   * @param model the model
   * @return what is kept for it; made if there is none
   */
  public synchronized T of(M model) {
    T known = known(model);
    if (known == null) {
      known = maker.get();
      Key key = new Key(model);
      all.put(key, known);
      // neither this nor what is kept may live as long as the model only because of the cleaner
      WeakReference<PerModel<M, T>> owner = new WeakReference<>(this);
      CLEANER.register(model, () -> gone(owner, key));
    }
    return known;
  }

  /**
   * What a model has.
   *
   * @param model the model
   * @return what is kept for it; null if there is none
   */
  public synchronized @Nullable T known(M model) {
    return all.get(new Key(model));
  }

  private static <M, T extends AutoCloseable> void gone(
      WeakReference<PerModel<M, T>> owner, Key key) {
    PerModel<M, T> living = owner.get();
    T kept = living == null ? null : living.remove(key);
    if (kept != null) {
      close(kept);
    }
  }

  private synchronized @Nullable T remove(Key key) {
    return all.remove(key);
  }

  /** Closes everything; what is asked for later is made anew. */
  public void clear() {
    Map<Key, T> before;
    synchronized (this) {
      before = new HashMap<>(all);
      all.clear();
    }
    before.values().forEach(PerModel::close);
  }

  private static void close(AutoCloseable kept) {
    try {
      kept.close();
    } catch (Exception e) {
      throw new IllegalStateException("What was kept for a model could not be closed.", e);
    }
  }
}
