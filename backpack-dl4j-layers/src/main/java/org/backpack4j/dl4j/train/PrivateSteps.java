package org.backpack4j.dl4j.train;

import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.backpack4j.dl4j.UnconvertibleNetworkException;
import org.backpack4j.dl4j.internal.NetworkConverter;
import org.backpack4j.dl4j.internal.convert.BatchShape;
import org.backpack4j.dl4j.internal.convert.InputShapes;
import org.backpack4j.dl4j.internal.convert.NetworkBatch;
import org.backpack4j.dl4j.internal.listen.ListenerSettings;
import org.backpack4j.dl4j.internal.listen.NetworkEvaluator;
import org.backpack4j.dl4j.internal.train.Gradients;
import org.backpack4j.dl4j.internal.train.PlannedSolver;
import org.backpack4j.dl4j.internal.train.QuantityListener;
import org.backpack4j.samediff.TrainingStep;
import org.backpack4j.samediff.UnsupportedGraphException;
import org.backpack4j.samediff.extension.ClippedGrad;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Puts the noisy sum of clipped gradients in the place of each gradient of one network, between its
 * backward pass and its updater.
 */
final class PrivateSteps extends BaseTrainingListener implements QuantityListener {
  private static final String CLIPPED = ".clipped_grad";
  private static final String COUNT = "clipped_grad.clipped";

  private final Model net;
  private final DrawnBatches drawn;
  private final PrivacyBudget budget;
  private final NoisySums noisy;
  private final ListenerSettings settings;
  private final NetworkEvaluator evaluator;

  /** The batch whose step is under way. */
  private @Nullable Draw under;

  /** What is known of the batch whose step is under way. */
  private static final class Draw {
    private final List<PoissonBatches.Piece> pieces;
    private final Map<String, INDArray> sums = new LinkedHashMap<>();
    private double clipped;
    private double samples;
    private boolean complete;

    Draw(List<PoissonBatches.Piece> pieces) {
      this.pieces = pieces;
    }

    /** The piece that the network is trained with: the last. */
    PoissonBatches.Piece passed() {
      return pieces.get(pieces.size() - 1);
    }
  }

  PrivateSteps(
      Model net, DrawnBatches drawn, PrivacyBudget budget, NoisySums noisy, ClippedGrad extension) {
    this.net = net;
    this.drawn = drawn;
    this.budget = budget;
    this.noisy = noisy;
    settings = ListenerSettings.of(extension);
    evaluator = new NetworkEvaluator(settings);
  }

  /** Makes the graph beforehand, unless it has to wait for what is drawn. */
  void prepare(MultiDataSet data) {
    try {
      evaluator.check(net);
      if (!NetworkConverter.draws(net, NetworkConverter.converters())) {
        evaluator.prepare(net, BatchShape.of(data, InputShapes.outputs(net)));
      }
    } catch (UnsupportedGraphException e) {
      PrivacyRefusedException refused = PrivacyCheck.refusal(net, e.refusals());
      refused.initCause(e);
      throw refused;
    } catch (UnconvertibleNetworkException e) {
      PrivacyRefusedException refused = new PrivacyRefusedException(e.obstacles());
      refused.initCause(e);
      throw refused;
    }
  }

  /** Frees the memory that is kept between steps. */
  void close() {
    evaluator.close();
  }

  // ---- DL4J's own passes ----

  @Override
  public void onForwardPass(Model model, List<INDArray> activations) {
    Map<String, INDArray> named = new LinkedHashMap<>();
    for (int k = 1; k < activations.size(); k++) {
      named.put(Integer.toString(k - 1), activations.get(k)); // the first is the input
    }
    onForwardPass(model, named);
  }

  @Override
  public void onForwardPass(Model model, Map<String, INDArray> activations) {
    if (isNetwork(model) && !PlannedSolver.trains(model)) {
      begin(model);
      attempt(
          () -> {
            evaluator.remember(model, activations, iteration(model));
          });
    }
  }

  @Override
  public void onBackwardPass(Model model) {
    if (isNetwork(model) && !PlannedSolver.trains(model)) {
      attempt(
          () -> {
            Draw draw = current();
            complete(
                model, draw, evaluator.passed(model, feeds(draw.passed()), PrivateSteps::isWanted));
          });
    }
  }

  // ---- planned passes ----

  @Override
  public ListenerSettings wanted(Model model, int iteration) {
    begin(model);
    return settings;
  }

  @Override
  public boolean needsThePass() {
    return true;
  }

  @Override
  public Map<String, INDArray> fed(Model model, int iteration) {
    return feeds(current().passed());
  }

  @Override
  public void step(Model model, TrainingStep step) {
    attempt(
        () -> {
          Map<String, INDArray> results = new LinkedHashMap<>(step.quantities().outputs());
          results.keySet().removeIf(name -> !isWanted(name));
          complete(model, current(), results);
        });
  }

  @Override
  public void failed(Model model, RuntimeException reason) {
    under = null;
    throw told(reason);
  }

  /** A refusal as the network's owner reads it. */
  private RuntimeException told(RuntimeException reason) {
    return reason instanceof UnsupportedGraphException e
        ? PrivacyCheck.refusal(net, e.refusals())
        : reason;
  }

  // ---- both ----

  /** Everything is noticed before a gradient is used that is not private. */
  private void begin(Model model) {
    under = null;
    if (model != net) {
      throw new IllegalStateException(
          "The listener hears of another network than its engine is on: a copy, or one that was"
              + " restored. Build an engine on that one, and resume(ledger()).");
    }
    checkListeners();
    INDArray fed =
        model instanceof ComputationGraph graph
            ? graph.getInput(0)
            : ((MultiLayerNetwork) model).getInput();
    under = new Draw(drawn.begin(fed));
  }

  /** Steps are private by the listener alone, and if none behind it reads the batch again. */
  void checkListeners() {
    Collection<TrainingListener> listeners =
        net instanceof ComputationGraph graph
            ? graph.getListeners()
            : ((MultiLayerNetwork) net).getListeners();
    if (listeners == null || !listeners.contains(this)) {
      throw new IllegalStateException(
          "The network does not have the engine's listener, without which its steps are not"
              + " private: net.addListeners(engine.listener()).");
    }
    if (listeners.stream().anyMatch(Kfac.class::isInstance)) {
      throw new IllegalStateException(
          "The network has a Kfac listener, which multiplies the gradient by curvature of the batch"
              + " that is neither clipped nor noised: ε would be wrong. Take it off the network.");
    }
  }

  private Draw current() {
    Draw draw = under;
    if (draw == null) {
      throw new IllegalStateException(
          "No step is under way: the network's gradient was computed without its listeners.");
    }
    return draw;
  }

  /** A step that fails is not made, and no later one is taken for it. */
  private void attempt(Runnable work) {
    boolean done = false;
    try {
      work.run();
      done = true;
    } catch (RuntimeException e) {
      throw told(e);
    } finally {
      if (!done) {
        under = null;
      }
    }
  }

  private static boolean isWanted(String name) {
    return name.endsWith(CLIPPED) || name.equals(COUNT);
  }

  private Map<String, INDArray> feeds(PoissonBatches.Piece piece) {
    Map<String, INDArray> feeds = new HashMap<>();
    feeds.put(ClippedGrad.WEIGHTS, Nd4j.createFromArray(piece.weights()));
    if (noisy.isAdaptive()) {
      feeds.put(ClippedGrad.BOUND, Nd4j.scalar(noisy.bound()));
    }
    return feeds;
  }

  /** Adds what the other pieces have. */
  private void complete(Model model, Draw draw, Map<String, INDArray> results) {
    add(draw, draw.passed(), results);
    for (PoissonBatches.Piece piece : draw.pieces.subList(0, draw.pieces.size() - 1)) {
      MultiDataSet data = piece.data();
      NetworkBatch batch =
          new NetworkBatch(
              data.getFeatures(),
              data.getLabels(),
              data.getFeaturesMaskArrays(),
              data.getLabelsMaskArrays(),
              Map.of());
      add(draw, piece, evaluator.of(model, batch, feeds(piece), PrivateSteps::isWanted));
    }
    draw.complete = true;
  }

  private static void add(Draw draw, PoissonBatches.Piece piece, Map<String, INDArray> results) {
    results.forEach(
        (name, array) -> {
          if (name.endsWith(CLIPPED)) {
            String parameter = name.substring(0, name.length() - CLIPPED.length());
            draw.sums.merge(parameter, array, INDArray::addi);
          } else {
            draw.clipped += array.getDouble(0);
          }
        });
    for (double weight : piece.weights()) {
      draw.samples += weight;
    }
  }

  /** Overwrites the network's gradient: from here on nothing sees the one without noise. */
  @Override
  public void onGradientCalculation(Model model) {
    if (!isNetwork(model)) {
      throw new IllegalStateException(
          "A layer is pretrained, by a gradient without noise: train the network as a whole.");
    }
    Draw draw = current();
    if (!draw.complete) {
      throw new IllegalStateException(
          "The clipped gradients of this batch are not known: the network was not told of its"
              + " forward and backward pass.");
    }
    attempt(
        () -> {
          overwrite(model, draw);
        });
    under = null;
  }

  private void overwrite(Model model, Draw draw) {
    Map<String, INDArray> gradients = Gradients.of(model);
    gradients.forEach(
        (name, gradient) -> {
          if (!draw.sums.containsKey(name) && gradient.amaxNumber().doubleValue() != 0) {
            throw new IllegalStateException(
                ("Parameter \"%s\" is changed by what DL4J computes of the batch without noise, and"
                        + " has no clipped gradient: freeze its layer, or replace it.")
                    .formatted(name));
          }
        });
    draw.sums.forEach(
        (name, sum) -> {
          if (!Double.isFinite(sum.sumNumber().doubleValue())) {
            throw new IllegalStateException(
                ("The clipped gradient of parameter \"%s\" is not finite: the parameters have grown"
                        + " too large (use a smaller learning rate), or the data is not finite.")
                    .formatted(name));
          }
          if (!gradients.containsKey(name)) {
            throw new IllegalStateException(
                "The network has no gradient of parameter \"" + name + "\" to be overwritten.");
          }
        });
    budget.spend();
    double deviation = noisy.begin(draw.samples, draw.clipped);
    boolean divides = model.conf().isMiniBatch();
    double scale = (divides ? model.batchSize() : 1) / noisy.expected();
    flat(model).assign(0);
    draw.sums.forEach(
        (name, sum) -> {
          INDArray gradient = noisy.with(sum, deviation).muli(scale);
          Objects.requireNonNull(gradients.get(name)).assign(gradient);
        });
  }

  private static INDArray flat(Model model) {
    return model instanceof ComputationGraph graph
        ? graph.getGradientsViewArray()
        : ((MultiLayerNetwork) model).getGradientsViewArray();
  }

  private static boolean isNetwork(Model model) {
    return model instanceof ComputationGraph || model instanceof MultiLayerNetwork;
  }

  private static int iteration(Model model) {
    return model instanceof ComputationGraph graph
        ? graph.getIterationCount()
        : ((MultiLayerNetwork) model).getIterationCount();
  }

  @Override
  public void iterationDone(Model model, int iteration, int epoch) {
    evaluator.done();
  }
}
