package org.backpack4j.dl4j.internal.convert;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayerWithBackprop;
import org.jspecify.annotations.Nullable;

/** Says of a network's parameters that have no gradient why they have none. */
public final class Untrained {
  private Untrained() {}

  /**
   * The parameters that a graph does not train.
   *
   * @param model the network
   * @param trained the names of those that it does
   * @return for each of the others a sentence, by its name
   */
  public static Map<String, String> of(Model model, Collection<String> trained) {
    Map<String, String> reasons = new LinkedHashMap<>();
    for (NetworkNode step : Network.of(model).steps()) {
      for (String key : step.parameters().get().keySet()) {
        String name = step.parameter(key);
        if (!trained.contains(name)) {
          reasons.put(
              name,
              frozen(step.layer())
                  ? "\"" + name + "\" has no quantities: " + step.where() + " is frozen."
                  : "\"" + name + "\" has no quantities: it is not trained by the gradient.");
        }
      }
    }
    return reasons;
  }

  /**
   * The parameters that DL4J changes in pretraining alone: no output depends on them.
   *
   * @param model the network
   * @return their names
   */
  public static Set<String> ofPretraining(Model model) {
    Set<String> names = new LinkedHashSet<>();
    for (NetworkNode step : Network.of(model).steps()) {
      Layer layer = step.layer();
      for (String key : step.parameters().get().keySet()) {
        if (layer != null && layer.isPretrainParam(key)) {
          names.add(step.parameter(key));
        }
      }
    }
    return names;
  }

  /** That a listener has left a parameter out. */
  public static String notChosen(String parameter) {
    return "\"" + parameter + "\" has no quantities: the listener's parameters(…) leave it out.";
  }

  private static boolean frozen(@Nullable Layer layer) {
    return layer instanceof FrozenLayer || layer instanceof FrozenLayerWithBackprop;
  }
}
