package org.backpack4j.samediff.graph;

import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.ArrayHolder;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.array.ThreadSafeArrayHolder;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The arrays of a graph that shares some of them with another graph.
 *
 * <p>A shared name is looked up in the other graph each time, so that a training step there and a
 * {@code setArray} are seen at once. Setting or removing an array here never changes the other
 * graph: the name is shared no longer. All other names are this graph's own.
 */
final class SharedArrays implements ArrayHolder {
  private final SameDiff source;

  /** From names here to names in the source: a variable may be renamed here. */
  private final Map<String, String> shared = new ConcurrentHashMap<>();

  private final ArrayHolder own = new ThreadSafeArrayHolder(true);

  SharedArrays(SameDiff source, Collection<String> names) {
    this.source = source;
    for (String name : names) {
      shared.put(name, name);
    }
  }

  @Override
  public boolean hasArray(String name) {
    return getArray(name) != null;
  }

  @Override
  public @Nullable INDArray getArray(String name) {
    String original = shared.get(name);
    return original != null ? source.getArrForVarName(original) : own.getArray(name);
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
    String original = shared.remove(from);
    if (original != null) {
      shared.put(to, original);
    } else if (own.hasArray(from)) {
      own.rename(from, to);
    }
  }
}
