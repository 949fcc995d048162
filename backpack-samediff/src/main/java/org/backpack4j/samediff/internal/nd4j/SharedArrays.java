package org.backpack4j.samediff.internal.nd4j;

import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.ArrayHolder;
import org.nd4j.autodiff.samediff.array.ThreadSafeArrayHolder;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The arrays of a graph that shares some of them with somebody else: another graph, or a network.
 *
 * <p>A shared array is looked up there each time, so that a training step and an exchange of the
 * array are seen at once. Setting or removing an array here never changes anything there: the name
 * is shared no longer. All other names are this graph's own. (SameDiff's own holder would copy an
 * array that is a view.)
 */
public final class SharedArrays implements ArrayHolder {
  private final Map<String, Supplier<@Nullable INDArray>> shared = new ConcurrentHashMap<>();

  /** With one device, its lazy kind would keep a copy of each array for others. */
  private final ArrayHolder own =
      new ThreadSafeArrayHolder(Nd4j.getAffinityManager().getNumberOfDevices() > 1);

  /** No arrays yet. */
  public SharedArrays() {}

  /**
   * Shares an array.
   *
   * @param name its name here
   * @param array looks it up; null if there is none at present
   */
  public void share(String name, Supplier<@Nullable INDArray> array) {
    shared.put(name, array);
  }

  @Override
  public boolean hasArray(String name) {
    return getArray(name) != null;
  }

  @Override
  public @Nullable INDArray getArray(String name) {
    Supplier<@Nullable INDArray> array = shared.get(name);
    return array != null ? array.get() : own.getArray(name);
  }

  @Override
  public void setArray(String name, INDArray array) {
    own.setArray(name, array);
    shared.remove(name);
  }

  @Override
  public @Nullable INDArray removeArray(String name) {
    INDArray array = getArray(name);
    shared.remove(name);
    own.removeArray(name);
    return array;
  }

  @Override
  public int size() {
    return arrayNames().size();
  }

  @Override
  public void initFrom(ArrayHolder other) {
    shared.clear();
    own.initFrom(other);
  }

  @Override
  public Collection<String> arrayNames() {
    Set<String> names = new LinkedHashSet<>(own.arrayNames());
    for (String name : shared.keySet()) {
      if (hasArray(name)) {
        names.add(name);
      }
    }
    return names;
  }

  @Override
  public void rename(String from, String to) {
    Supplier<@Nullable INDArray> array = shared.remove(from);
    if (array != null) {
      shared.put(to, array);
    } else if (own.hasArray(from)) {
      own.rename(from, to);
    }
  }
}
