package org.backpack4j.dl4j.convert;

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

/**
 * The arrays of a converted graph. A parameter's array is looked up in the network each time: it is
 * the network's own, a view of its flat vector of parameters, so that training is seen at once.
 * (SameDiff's own holder would copy a view.) An array that is set here is the graph's own from then
 * on; the network's is never exchanged.
 */
final class NetworkArrays implements ArrayHolder {
  private final Map<String, Supplier<INDArray>> shared = new ConcurrentHashMap<>();
  private final ArrayHolder own = new ThreadSafeArrayHolder(true);

  void share(String name, Supplier<INDArray> array) {
    shared.put(name, array);
  }

  @Override
  public boolean hasArray(String name) {
    return shared.containsKey(name) || own.hasArray(name);
  }

  @Override
  public @Nullable INDArray getArray(String name) {
    Supplier<INDArray> array = shared.get(name);
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
    names.addAll(shared.keySet());
    return names;
  }

  @Override
  public void rename(String from, String to) {
    Supplier<INDArray> array = shared.remove(from);
    if (array != null) {
      shared.put(to, array);
    } else if (own.hasArray(from)) {
      own.rename(from, to);
    }
  }
}
