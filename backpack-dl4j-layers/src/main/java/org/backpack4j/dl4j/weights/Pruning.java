package org.backpack4j.dl4j.weights;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.backpack4j.dl4j.internal.trained.BatchIterator;
import org.backpack4j.dl4j.internal.trained.TrainedModel;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.Extension;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;

/**
 * Sets weights of a trained network to zero, those first that are missed least, and keeps them
 * there while it goes on training:
 *
 * <pre>{@code
 * PruningMasks masks = Pruning.of(net).obd(train).prune(0.9);
 * net.addListeners(masks);
 * net.fit(train, epochs);
 * }</pre>
 *
 * <p>By magnitude, |θ|, unless {@code obd} says otherwise: optimal brain damage (LeCun, Denker and
 * Solla, 1990) ranks a weight by ½ h θ², the change of the loss when it goes, with h the diagonal
 * of the curvature of the samples' mean loss over a data set. That is the loss's own quadratic
 * model where the gradient is zero; {@link #notes()} tells where it is not. With the exact GGN h is
 * never negative; with the Hessian it may be, away from a minimum: such weights are ranked by its
 * magnitude, since a large curvature of either sign says that the weight matters. Equal ranks are
 * ordered by |θ|.
 *
 * <p>Weights are what DL4J's layers call so: no biases, no parameters of normalisation, nothing
 * that is frozen; of a SameDiff graph all variables with more than one axis. {@link #parameters}
 * names others. l1, l2 and weight decay are not in the loss.
 */
public final class Pruning {
  private final TrainedModel trained;
  private @Nullable Diagonal curvature;
  private List<String> named = List.of();
  private boolean global = true;

  private Pruning(TrainedModel trained) {
    this.trained = trained;
  }

  /**
   * Prunes a network.
   *
   * @param net the network
   * @return what prunes it, by magnitude, all layers together
   */
  public static Pruning of(MultiLayerNetwork net) {
    return new Pruning(TrainedModel.of(net));
  }

  /**
   * Prunes a network.
   *
   * @param net the network
   * @return what prunes it, by magnitude, all layers together
   */
  public static Pruning of(ComputationGraph net) {
    return new Pruning(TrainedModel.of(net));
  }

  /**
   * Prunes a SameDiff graph.
   *
   * @param sd the graph; with a training configuration if data are used
   * @return what prunes it, by magnitude, all variables together
   */
  public static Pruning of(SameDiff sd) {
    return new Pruning(TrainedModel.of(sd));
  }

  // ---- choices ----

  /**
   * Ranks by magnitude, which is the default.
   *
   * @return this
   */
  public Pruning magnitude() {
    curvature = null;
    return this;
  }

  /**
   * Ranks by ½ h θ² with the exact diagonal of the generalised Gauss-Newton matrix.
   *
   * @param data the data set, gone over once, now
   * @return this
   * @throws org.backpack4j.samediff.dataset.BatchException if a batch cannot be used; of NaN it
   *     names the sample
   * @throws org.backpack4j.samediff.UnsupportedGraphException if the curvature cannot be had; it
   *     lists every reason
   */
  public Pruning obd(DataSetIterator data) {
    return obd(data, new DiagGGNExact());
  }

  /**
   * Ranks by ½ h θ² with a diagonal of one's choice: {@code DiagGGNExact}, {@code DiagGGNMC},
   * {@code DiagHessian}, or {@code SumGradSquared} for the empirical Fisher matrix.
   *
   * @param data the data set, gone over once, now
   * @param diagonal the quantity that h is
   * @return this
   * @throws IllegalArgumentException if the quantity is no diagonal
   * @throws org.backpack4j.samediff.dataset.BatchException if a batch cannot be used; of NaN it
   *     names the sample
   * @throws org.backpack4j.samediff.UnsupportedGraphException if the curvature cannot be had; it
   *     lists every reason
   */
  public Pruning obd(DataSetIterator data, Extension diagonal) {
    return obd(BatchIterator.of(data), diagonal);
  }

  /**
   * The same with several inputs or outputs.
   *
   * @param data the data set, gone over once, now
   * @param diagonal the quantity that h is
   * @return this
   * @throws IllegalArgumentException if the quantity is no diagonal
   * @throws org.backpack4j.samediff.dataset.BatchException if a batch cannot be used
   * @throws org.backpack4j.samediff.UnsupportedGraphException if the curvature cannot be had
   */
  public Pruning obd(MultiDataSetIterator data, Extension diagonal) {
    curvature = Diagonal.of(trained, diagonal, data);
    return this;
  }

  /**
   * Takes the same share of each layer, not of all layers together.
   *
   * @return this
   */
  public Pruning perLayer() {
    global = false;
    return this;
  }

  /**
   * Names the parameters that are pruned, biases among them if they are named.
   *
   * @param names names of parameters, {@code 0_W}
   * @return this
   * @throws IllegalArgumentException if there is no parameter of a name
   */
  public Pruning parameters(String... names) {
    Arrays.stream(names).forEach(trained::array);
    named = List.of(names);
    return this;
  }

  // ---- what comes of it ----

  private Map<String, List<String>> groups() {
    Map<String, List<String>> all = new LinkedHashMap<>(trained.weights());
    if (!named.isEmpty()) {
      Map<String, List<String>> chosen = new LinkedHashMap<>();
      for (String name : named) {
        String layer =
            all.keySet().stream()
                .filter(l -> name.equals(l) || name.startsWith(l + "_"))
                .findFirst()
                .orElse(name);
        chosen.computeIfAbsent(layer, l -> new ArrayList<>()).add(name);
      }
      all = chosen;
    }
    Diagonal known = curvature;
    if (known != null) {
      all.values()
          .forEach(
              names ->
                  names.forEach(
                      name -> {
                        if (!known.diagonal().containsKey(name)) {
                          throw new IllegalArgumentException(
                              "There is no curvature of \""
                                  + name
                                  + "\", which the loss does not train: name others by"
                                  + " parameters(…); it is there for "
                                  + known.diagonal().keySet()
                                  + ".");
                        }
                      }));
    }
    return all;
  }

  private static double[] doubles(INDArray array) {
    return array.castTo(DataType.DOUBLE).dup('c').data().asDouble();
  }

  private double[] ranks(double[] theta, double @Nullable [] h) {
    double[] ranks = new double[theta.length];
    for (int k = 0; k < ranks.length; k++) {
      ranks[k] = h == null ? Math.abs(theta[k]) : 0.5 * Math.abs(h[k]) * theta[k] * theta[k];
    }
    return ranks;
  }

  private double @Nullable [] curvature(String name) {
    Diagonal known = curvature;
    INDArray h = known == null ? null : known.diagonal().get(name);
    return h == null ? null : doubles(h);
  }

  private Map<String, boolean[]> keep(double sparsity) {
    if (!(sparsity >= 0 && sparsity < 1)) {
      throw new IllegalArgumentException(
          "A sparsity of "
              + sparsity
              + ": expected the share of weights that go, from 0 to below 1.");
    }
    Map<String, double[]> ranks = new LinkedHashMap<>();
    Map<String, double[]> magnitudes = new LinkedHashMap<>();
    Collection<List<String>> groups = groups().values();
    for (List<String> group : groups) {
      for (String name : group) {
        double[] theta = doubles(trained.array(name));
        for (int k = 0; k < theta.length; k++) {
          if (!Double.isFinite(theta[k])) {
            throw new IllegalArgumentException(
                "Entry " + k + " of parameter \"" + name + "\" is " + theta[k] + ".");
          }
        }
        ranks.put(name, ranks(theta, curvature(name)));
        magnitudes.put(name, Arrays.stream(theta).map(Math::abs).toArray());
      }
    }
    if (ranks.isEmpty()) {
      throw new IllegalArgumentException(
          "There are no weights to prune: name parameters by parameters(…); there are "
              + trained.arrays().keySet()
              + ".");
    }
    return new Saliency(ranks, magnitudes)
        .keep(sparsity, global ? List.of(groups.stream().flatMap(List::stream).toList()) : groups);
  }

  /**
   * Sets weights to zero.
   *
   * @param sparsity the share of the weights that go, of all together or, with {@link #perLayer()},
   *     of each layer
   * @return the masks, which keep them zero in training
   * @throws IllegalArgumentException if it is not from 0 to below 1, there are no weights, or one
   *     is not finite; nothing is changed then
   */
  public PruningMasks prune(double sparsity) {
    PruningMasks masks = PruningMasks.of(trained, keep(sparsity));
    masks.apply();
    return masks;
  }

  /**
   * What the quadratic model says that pruning will cost: Σ ½ h θ² over the weights that go, of the
   * mean of the samples' losses. The removals of several weights together are taken to be
   * independent, as the diagonal takes them. Nothing is changed.
   *
   * @param sparsity the share of the weights that go
   * @return the increase of the loss; negative where the Hessian says so
   * @throws IllegalStateException if weights are ranked by magnitude, which says nothing of the
   *     loss
   * @throws IllegalArgumentException as {@link #prune}
   */
  public double predictedIncrease(double sparsity) {
    known();
    double sum = 0;
    for (Map.Entry<String, boolean[]> entry : keep(sparsity).entrySet()) {
      double[] theta = doubles(trained.array(entry.getKey()));
      double[] h = curvature(entry.getKey());
      for (int k = 0; h != null && k < theta.length; k++) {
        sum += entry.getValue()[k] ? 0 : 0.5 * h[k] * theta[k] * theta[k];
      }
    }
    return sum;
  }

  private Diagonal known() {
    Diagonal known = curvature;
    if (known == null) {
      throw new IllegalStateException(
          "Magnitudes say nothing of the loss: rank by curvature, obd(…).");
    }
    return known;
  }

  /**
   * The norm of the gradient of the samples' mean loss by the pruned parameters, which optimal
   * brain damage takes to be zero.
   *
   * @return ‖ḡ‖
   * @throws IllegalStateException if weights are ranked by magnitude
   */
  public double gradientNorm() {
    Diagonal known = known();
    double squares = 0;
    for (List<String> group : groups().values()) {
      for (String name : group) {
        INDArray slope = known.gradient().get(name);
        squares += slope == null ? 0 : slope.mul(slope).sumNumber().doubleValue();
      }
    }
    return Math.sqrt(squares);
  }

  /**
   * What is to be known of a ranking by curvature.
   *
   * @return a sentence if the gradient is such that its own part in the removal of all weights is
   *     larger than the quadratic one, so that the network is not at a minimum; one if curvatures
   *     are negative; one if they are zero for more than half of the weights, which then go in the
   *     order of their magnitudes
   */
  public List<String> notes() {
    Diagonal known = curvature;
    if (known == null) {
      return List.of();
    }
    double first = 0;
    double second = 0;
    long negative = 0;
    long zero = 0;
    long all = 0;
    for (List<String> group : groups().values()) {
      for (String name : group) {
        double[] theta = doubles(trained.array(name));
        INDArray slopes = known.gradient().get(name);
        double[] h = curvature(name);
        if (slopes == null || h == null) {
          continue;
        }
        double[] g = doubles(slopes);
        for (int k = 0; k < theta.length; k++) {
          first += Math.abs(g[k] * theta[k]);
          second += Math.abs(0.5 * h[k] * theta[k] * theta[k]);
          negative += h[k] < 0 ? 1 : 0;
          zero += h[k] == 0 ? 1 : 0;
          all++;
        }
      }
    }
    List<String> notes = new ArrayList<>();
    if (first > second) {
      notes.add(
          "The network is not at a minimum: the gradient's norm is %.3g, and its part Σ |g θ| = %.3g is above the quadratic one, %.3g, which alone is ranked by. Train longer, or prune in several rounds."
              .formatted(gradientNorm(), first, second));
    }
    if (negative > 0) {
      notes.add(
          "The curvature of %d of %d weights is negative, so that the network is not at a minimum along them; they are ranked by its magnitude. The generalised Gauss-Newton matrix (DiagGGNExact) has no negative ones."
              .formatted(negative, all));
    }
    if (2 * zero > all) {
      notes.add(
          "The curvature of %d of %d weights is zero on these data: they go first, by their magnitudes. Use more data."
              .formatted(zero, all));
    }
    return notes;
  }
}
