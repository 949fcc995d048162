package org.backpack4j.dl4j.internal.train;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.backpack4j.dl4j.Obstacle;
import org.backpack4j.dl4j.Scale;
import org.backpack4j.dl4j.UnconvertibleNetworkException;
import org.backpack4j.dl4j.internal.convert.BatchShape;
import org.backpack4j.dl4j.internal.convert.GeneratorState;
import org.backpack4j.dl4j.internal.convert.IterationState;
import org.backpack4j.dl4j.internal.convert.NetworkBatch;
import org.backpack4j.dl4j.internal.convert.RepeatedDraws;
import org.backpack4j.dl4j.internal.listen.ComparedIteration;
import org.backpack4j.dl4j.internal.listen.GradientComparison;
import org.backpack4j.dl4j.internal.listen.ListenerSettings;
import org.backpack4j.dl4j.train.PlannedTrainingException;
import org.backpack4j.samediff.TrainingStep;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.layers.BaseOutputLayer;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Gradient and score of a network in training, by planned execution in the place of DL4J's forward
 * and backward pass.
 *
 * <p>The first batch of each shape goes through DL4J's own pass, and the network takes its step by
 * it. It is watched to learn how DL4J lays out the arrays that it draws random numbers for, and
 * where it writes its gradient; and our pass of the same batch, with the random numbers drawn
 * again, has to give the same gradient, score, running averages and state of ND4J's generator. What
 * is different is refused by name. The comparison is made again at the tenth batch of the shape,
 * the hundredth, and so on.
 */
public final class PlannedPass implements AutoCloseable {
  static final String REMEDY = "train with net.fit(…)";

  /** As many shapes are known, those that were used last. */
  private static final int KNOWN = 64;

  private static final double SAME_IN_DOUBLE = 1e-6;
  private static final double SAME = 1e-2;

  private final Map<Key, Known> known = new LinkedHashMap<>(16, 0.75f, true);
  private final TrainingGraphs graphs = new TrainingGraphs();
  private final GradientComparison gradients =
      GradientComparison.strict(ListenerSettings.of(), "A planned step has to make the same step.");

  /** With one sample layouts may differ from those with several. */
  private record Key(BatchShape shape, boolean sole) {}

  /** What is known of the batches of a shape. */
  private static final class Known {
    private final RepeatedDraws draws;
    private final BatchShape full;
    private final GradientViews views;
    private long uses;

    Known(RepeatedDraws draws, BatchShape full, GradientViews views, long uses) {
      this.draws = draws;
      this.full = full;
      this.views = views;
      this.uses = uses;
    }

    /** Whether this use is the tenth, the hundredth, … */
    boolean isDue() {
      uses++;
      long power = 10;
      while (power < uses) {
        power *= 10;
      }
      return power == uses;
    }
  }

  /** What is the same for everything in one iteration. */
  private record Iteration(Model net, int number, int epoch, NetworkBatch batch, Wishes wishes) {
    long samples() {
      return batch.samples();
    }

    /** What a graph's sums are to be multiplied by to be sums over samples. */
    double factor() {
      return wishes.scale() == Scale.MEAN ? samples() : 1;
    }
  }

  /**
   * Computes a network's gradient and score for the batch that is set on it, and tells the
   * listeners of the passes.
   *
   * @param net the network
   * @param workspaces of its training
   * @throws PlannedTrainingException if it cannot be done as DL4J does it; no parameter has been
   *     changed then, and ND4J's generator is where it was
   */
  void compute(Model net, LayerWorkspaceMgr workspaces) {
    NetworkFields.tellCounters(net);
    NetworkFields.tellLabels(net);
    int number = NetworkFields.iteration(net);
    NetworkBatch batch = NetworkBatch.of(net);
    Iteration iteration =
        new Iteration(net, number, NetworkFields.epoch(net), batch, Wishes.of(net, number));
    Key key = new Key(batch.shape(), batch.samples() == 1);
    Known before = known.get(key);
    if (before == null || !before.views.areOf(net)) {
      learn(iteration, key, 1, workspaces);
    } else if (before.isDue()) {
      learn(iteration, key, before.uses, workspaces);
    } else {
      GeneratorState generator = GeneratorState.now();
      try (MemoryWorkspace outside = Nd4j.getMemoryManager().scopeOutOfWorkspaces()) {
        if (!follow(iteration, before)) {
          known.remove(key);
        }
      } catch (RuntimeException | Error e) {
        generator.restore();
        throw e;
      }
      if (!known.containsKey(key)) {
        learn(iteration, key, 1, workspaces);
      }
    }
  }

  // ---- DL4J's own pass ----

  private void learn(Iteration iteration, Key key, long uses, LayerWorkspaceMgr workspaces) {
    WatchedPass watched = new WatchedPass();
    GeneratorState before = watched.draws().before();
    try {
      watched.make(iteration.net(), workspaces);
      try (MemoryWorkspace outside = Nd4j.getMemoryManager().scopeOutOfWorkspaces()) {
        known.put(key, compared(iteration, watched, uses));
      }
    } catch (RuntimeException | Error e) {
      known.remove(key);
      before.restore();
      throw e;
    }
    if (known.size() > KNOWN) {
      known.remove(known.keySet().iterator().next());
    }
  }

  private Known compared(Iteration iteration, WatchedPass watched, long uses) {
    Model net = iteration.net();
    NetworkBatch batch = watched.batch();
    long samples = batch.samples();
    RepeatedDraws draws = watched.draws().draws();
    GeneratorState before = watched.draws().before();
    draws
        .different(net, samples, iteration.number(), iteration.epoch(), watched.given(), before)
        .ifPresent(
            where -> {
              throw refusal(
                  where,
                  "its random numbers cannot be drawn without DL4J's own pass",
                  "put a DropoutLayer in the place of its dropout, or " + REMEDY);
            });
    Map<String, INDArray> added = new LinkedHashMap<>();
    IterationState[] drawn = new IterationState[1];
    before.again(
        () -> drawn[0] = draws.draw(net, samples, iteration.number(), iteration.epoch(), added));
    BatchShape full = batch.shape().with(drawn[0].shapes(samples));
    Map<QuantityListener, RuntimeException> apart = new LinkedHashMap<>();
    TrainingGraphs.Made made = graph(iteration, full, apart);
    List<Obstacle> obstacles = new ArrayList<>();
    GradientViews views = GradientViews.of(net, made.network(), obstacles);
    if (!obstacles.isEmpty()) {
      throw new PlannedTrainingException(obstacles);
    }
    Map<String, INDArray> feeds = made.network().feeds(batch);
    made.network().add(drawn[0], feeds, added);
    feeds.putAll(iteration.wishes().fed(net, iteration.number()));
    Set<String> names = new LinkedHashSet<>(views.targets().keySet());
    names.addAll(views.needed());
    made.network().losses().values().forEach(names::addAll);
    names.addAll(iteration.wishes().names(made.graph()));
    Map<String, INDArray> results = made.graph().output(feeds, names);
    try {
      gradients.compare(
          new ComparedIteration(
              net,
              batch,
              drawn[0],
              made.network(),
              made.graph(),
              feeds,
              results,
              iteration.factor()));
    } catch (IllegalStateException e) {
      throw refusal("the network", String.valueOf(e.getMessage()), REMEDY);
    }
    views.changes(net, results).forEach((name, ours) -> compare(name, views.view(name), ours));
    compareScores(net, score(iteration, made, results));
    deliver(iteration, made, results, drawn[0], added, apart);
    return new Known(draws, full, views, uses);
  }

  private static void compare(String parameter, INDArray theirs, INDArray ours) {
    double norm = theirs.norm2Number().doubleValue();
    double apart = ours.sub(theirs).norm2Number().doubleValue();
    boolean both = !Double.isFinite(norm) && !Double.isFinite(ours.norm2Number().doubleValue());
    if (!both && !(apart <= tolerance(theirs) * Math.max(norm, tolerance(theirs)))) {
      throw refusal(
          "parameter \"" + parameter + "\"",
          "the change of its running average is %.6g in norm, DL4J's %.6g"
              .formatted(ours.norm2Number().doubleValue(), norm),
          REMEDY);
    }
  }

  private static double tolerance(INDArray array) {
    return array.dataType() == DataType.DOUBLE ? SAME_IN_DOUBLE : SAME;
  }

  private static void compareScores(Model net, double ours) {
    double theirs = net.score();
    double same = tolerance(net.params());
    boolean alike = Double.compare(ours, theirs) == 0; // NaN and infinity, too
    if (!alike && !(Math.abs(ours - theirs) <= same * Math.max(Math.abs(theirs), 1))) {
      throw refusal(
          "the score",
          "it is %.6g here and %.6g in DL4J's own step".formatted(ours, theirs),
          REMEDY);
    }
  }

  static PlannedTrainingException refusal(String where, String reason, String remedy) {
    return new PlannedTrainingException(List.of(new Obstacle(where, reason, remedy)));
  }

  // ---- ours ----

  /** The graph that serves most wishes; those that it does not serve are told why. */
  private TrainingGraphs.Made graph(
      Iteration iteration, BatchShape full, Map<QuantityListener, RuntimeException> apart) {
    Wishes wishes = iteration.wishes();
    Model net = iteration.net();
    try {
      TrainingGraphs.Made made = graphs.of(net, wishes.key(full));
      wishes.check(made.network());
      return made;
    } catch (UnconvertibleNetworkException e) {
      PlannedTrainingException refusal = new PlannedTrainingException(e.obstacles());
      refusal.initCause(e);
      throw refusal;
    } catch (IllegalArgumentException e) {
      if (wishes.isEmpty()) {
        throw e;
      }
      wishes.all().forEach(w -> apart.put(w.listener(), e));
      wishes.separate();
      return graph(iteration, full, apart);
    }
  }

  /** Our own pass; false, and nothing is changed, if what is known does not fit. */
  private boolean follow(Iteration iteration, Known before) {
    Model net = iteration.net();
    NetworkBatch batch = iteration.batch();
    long samples = iteration.samples();
    GeneratorState generator = GeneratorState.now();
    Map<String, INDArray> added = new LinkedHashMap<>();
    IterationState drawn =
        before.draws.draw(net, samples, iteration.number(), iteration.epoch(), added);
    BatchShape full = batch.shape().with(drawn.shapes(samples));
    if (!full.equals(before.full)) {
      generator.restore();
      return false;
    }
    Map<QuantityListener, RuntimeException> apart = new LinkedHashMap<>();
    TrainingGraphs.Made made = graph(iteration, full, apart);
    Map<String, INDArray> feeds = made.network().feeds(batch);
    made.network().add(drawn, feeds, added);
    feeds.putAll(iteration.wishes().fed(net, iteration.number()));
    GradientViews views = before.views;
    Set<String> names = new LinkedHashSet<>(views.targets().keySet());
    names.addAll(views.needed());
    made.network().losses().values().forEach(names::addAll);
    Set<String> wanted = iteration.wishes().names(made.graph());
    names.addAll(wanted);
    ForwardListeners forward = ForwardListeners.of(net, made.network());
    names.addAll(forward.names());
    // what a listener keeps must not change with the network's gradient
    Map<String, INDArray> into = new LinkedHashMap<>(views.targets());
    into.keySet().removeAll(wanted);
    Map<String, INDArray> results;
    try {
      results = made.graph().output(feeds, names, into);
    } catch (IllegalArgumentException e) {
      if (!iteration.wishes().isServing()) {
        throw e;
      }
      // what a listener wants has no room: the training goes on without it, as with fit
      generator.restore();
      iteration.wishes().separate();
      return follow(iteration, before);
    }
    views
        .targets()
        .forEach(
            (name, view) -> {
              if (!into.containsKey(name)) {
                view.assign(results.get(name));
              }
              if (iteration.factor() != 1) {
                view.muli(iteration.factor());
              }
            });
    views.clear(net);
    views.write(views.changes(net, results));
    double score = score(iteration, made, results);
    NetworkFields.set(net, views.gradient(), score);
    forward.tell(net, batch, results);
    for (TrainingListener listener : NetworkFields.listeners(net)) {
      if (QuantityListener.of(listener).isEmpty()) {
        listener.onBackwardPass(net);
      }
    }
    deliver(iteration, made, results, drawn, added, apart);
    return true;
  }

  /** DL4J's score: the losses, each divided as its output layer does, and the penalties. */
  private static double score(
      Iteration iteration, TrainingGraphs.Made made, Map<String, INDArray> results) {
    Model net = iteration.net();
    double score = NetworkFields.penalty(net);
    Layer[] outputs = NetworkFields.outputs(net);
    int k = 0;
    for (List<String> variables : made.network().losses().values()) {
      double sum = 0;
      for (String variable : variables) {
        sum += Objects.requireNonNull(results.get(variable)).sumNumber().doubleValue();
      }
      Layer output = outputs[k++];
      boolean whole = output instanceof BaseOutputLayer && !output.conf().isMiniBatch();
      score += sum * iteration.factor() / (whole ? 1 : iteration.samples());
    }
    return score;
  }

  private static void deliver(
      Iteration iteration,
      TrainingGraphs.Made made,
      Map<String, INDArray> results,
      IterationState drawn,
      Map<String, INDArray> added,
      Map<QuantityListener, RuntimeException> apart) {
    Model net = iteration.net();
    Wishes wishes = iteration.wishes();
    PassedBatch passed = new PassedBatch(iteration.batch(), drawn, added);
    for (TrainingListener listener : NetworkFields.listeners(net)) {
      QuantityListener.of(listener).ifPresent(q -> q.passed(net, passed));
    }
    // each has arrays of its own before any is told, since it may change them
    Map<Wishes.Wish, TrainingStep> steps = new LinkedHashMap<>();
    for (Wishes.Wish wish : wishes.all()) {
      if (wishes.isServed(wish)) {
        steps.put(
            wish, wishes.step(net, wish, made, results, iteration.number(), iteration.epoch()));
      }
    }
    for (Wishes.Wish wish : wishes.all()) {
      QuantityListener listener = wish.listener();
      TrainingStep served = steps.get(wish);
      try {
        if (served != null) {
          listener.step(net, served);
        } else {
          RuntimeException reason =
              apart.getOrDefault(
                  listener,
                  new IllegalArgumentException(
                      "What the listener wants is of another graph than that which trains."));
          listener.step(
              net,
              listener.apart(net, drawn, new LinkedHashMap<>(added), iteration.batch(), reason));
        }
      } catch (RuntimeException e) {
        listener.failed(net, e);
      }
    }
  }

  @Override
  public void close() {
    graphs.close();
    known.clear();
  }
}
