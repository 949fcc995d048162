package org.backpack4j.dl4j.weights;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * What the removal of each weight costs, and which weights cost least.
 *
 * @param ranks for each parameter what its weights are ranked by, in 'c' order; the least goes
 *     first
 * @param magnitudes |θ|, by which equal ranks are ordered
 */
record Saliency(Map<String, double[]> ranks, Map<String, double[]> magnitudes) {
  /** The weights that stay: for each parameter true where one does. */
  Map<String, boolean[]> keep(double sparsity, Collection<List<String>> groups) {
    Map<String, boolean[]> keep = new LinkedHashMap<>();
    ranks.forEach(
        (name, r) -> {
          boolean[] all = new boolean[r.length];
          Arrays.fill(all, true);
          keep.put(name, all);
        });
    groups.forEach(group -> remove(sparsity, group, keep));
    return keep;
  }

  private void remove(double sparsity, List<String> group, Map<String, boolean[]> keep) {
    double[] all = group.stream().flatMapToDouble(n -> Arrays.stream(of(ranks, n))).toArray();
    int count = (int) Math.round(sparsity * all.length);
    if (count == 0) {
      return;
    }
    double[] sorted = all.clone();
    Arrays.sort(sorted);
    double threshold = sorted[count - 1];
    List<Place> equal = new ArrayList<>();
    int below = 0;
    for (String name : group) {
      double[] rank = of(ranks, name);
      boolean[] stays = of(keep, name);
      double[] magnitude = of(magnitudes, name);
      for (int k = 0; k < rank.length; k++) {
        if (rank[k] < threshold) {
          stays[k] = false;
          below++;
        } else if (rank[k] == threshold) {
          equal.add(new Place(name, k, magnitude[k]));
        }
      }
    }
    equal.sort(Comparator.comparingDouble(Place::magnitude)); // stable: first come, first gone
    for (Place place : equal.subList(0, count - below)) {
      of(keep, place.name())[place.index()] = false;
    }
  }

  private static <T> T of(Map<String, T> map, String name) {
    return Objects.requireNonNull(map.get(name));
  }

  private record Place(String name, int index, double magnitude) {}
}
