package org.backpack4j.dl4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.backpack4j.dl4j.testing.ListedBatches;
import org.deeplearning4j.datasets.iterator.ExistingDataSetIterator;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;

/** Two networks that are the same, one trained by {@code fit}, the other by planned steps. */
final class Twins {
  static final double SAME = 1e-9;

  private Twins() {}

  /** What a training leaves behind. */
  record Outcome(
      Model net,
      INDArray parameters,
      @Nullable INDArray updater,
      INDArray gradient,
      Map<String, INDArray> gradients,
      List<Double> scores,
      List<String> calls,
      double random) {}

  /** Trains one of each, on all batches, and compares. */
  static Outcome check(
      Supplier<? extends Model> maker, boolean random, int epochs, MultiDataSet... batches) {
    Outcome plain = train(maker.get(), random, epochs, false, batches);
    Outcome planned = train(maker.get(), random, epochs, true, batches);
    compare(plain, planned);
    // whatever planned steps have left in the network: fit goes on as it does behind fit
    Outcome plainOn = train(plain.net(), random, 1, false, batches);
    Outcome plannedOn = train(planned.net(), random, 1, false, batches);
    compare(plainOn, plannedOn);
    return planned;
  }

  static void compare(Outcome plain, Outcome planned) {
    assertThat(planned.calls()).as("listeners' calls").isEqualTo(plain.calls());
    same("parameters", planned.parameters(), plain.parameters());
    INDArray updater = plain.updater();
    if (updater != null) {
      same("updater", Objects.requireNonNull(planned.updater()), updater);
    }
    same("flattened gradient", planned.gradient(), plain.gradient());
    assertThat(planned.gradients().keySet()).isEqualTo(plain.gradients().keySet());
    plain
        .gradients()
        .forEach((k, g) -> same(k, Objects.requireNonNull(planned.gradients().get(k)), g));
    assertThat(planned.scores()).hasSameSizeAs(plain.scores());
    for (int k = 0; k < plain.scores().size(); k++) {
      assertThat(planned.scores().get(k))
          .as("score " + k)
          .isCloseTo(plain.scores().get(k), within(SAME * 10));
    }
    assertThat(planned.random()).as("next random number").isEqualTo(plain.random());
  }

  private static void same(String what, INDArray ours, INDArray theirs) {
    assertThat(ours.shape()).as(what).isEqualTo(theirs.shape());
    double apart = ours.sub(theirs).amaxNumber().doubleValue();
    assertThat(apart).as(what).isLessThanOrEqualTo(SAME);
    assertThat(ours.isNaN().any()).as(what).isFalse();
  }

  static Outcome train(
      Model net, boolean random, int epochs, boolean planned, MultiDataSet... batches) {
    List<Double> scores = new ArrayList<>();
    List<String> calls = new ArrayList<>();
    Map<String, INDArray> gradients = new TreeMap<>();
    INDArray[] gradient = new INDArray[1];
    BaseTrainingListener ear =
        new BaseTrainingListener() {
          @Override
          public void onEpochStart(Model model) {
            calls.add("epoch");
          }

          @Override
          public void onEpochEnd(Model model) {
            calls.add("end of epoch");
          }

          @Override
          public void onForwardPass(Model model, List<INDArray> activations) {
            calls.add("forward " + told(activations, random));
          }

          @Override
          public void onForwardPass(Model model, Map<String, INDArray> activations) {
            calls.add(
                "forward "
                    + new TreeMap<>(activations).keySet()
                    + told(new TreeMap<>(activations).values(), random));
          }

          @Override
          public void onBackwardPass(Model model) {
            calls.add("backward");
          }

          @Override
          public void onGradientCalculation(Model model) {
            calls.add("gradient");
            gradient[0] = model.gradient().gradient().dup();
            gradients.clear();
            // batch normalisation tells of the gradients of locked parameters, too
            model.paramTable().keySet().stream()
                .filter(model.gradient().gradientForVariable()::containsKey)
                .forEach(k -> gradients.put(k, model.gradient().getGradientFor(k).dup()));
          }

          @Override
          public void iterationDone(Model model, int iteration, int epoch) {
            calls.add("iteration " + iteration + " of epoch " + epoch);
            scores.add(model.score());
          }
        };
    Nd4j.getRandom().setSeed(5);
    if (net instanceof ComputationGraph graph) {
      graph.setListeners(ear);
    } else {
      ((MultiLayerNetwork) net).setListeners(ear);
    }
    if (planned) {
      try (PlannedTraining training =
          net instanceof ComputationGraph graph
              ? PlannedTraining.of(graph)
              : PlannedTraining.of((MultiLayerNetwork) net)) {
        training.during(() -> fit(net, epochs, batches));
      }
    } else {
      fit(net, epochs, batches);
    }
    INDArray updater =
        net instanceof ComputationGraph graph
            ? graph.getUpdater().getStateViewArray()
            : ((MultiLayerNetwork) net).getUpdater().getStateViewArray();
    return new Outcome(
        net,
        net.params().dup(),
        updater == null ? null : updater.dup(),
        gradient[0],
        gradients,
        scores,
        calls,
        Nd4j.getRandom().nextDouble());
  }

  private static void fit(Model net, int epochs, MultiDataSet... batches) {
    if (net instanceof ComputationGraph graph) {
      graph.fit(new ListedBatches(List.of(batches)), epochs);
    } else {
      List<DataSet> list = new ArrayList<>();
      for (MultiDataSet batch : batches) {
        list.add(single(batch));
      }
      ((MultiLayerNetwork) net).fit(new ExistingDataSetIterator(list), epochs);
    }
  }

  static DataSet single(MultiDataSet batch) {
    return new DataSet(
        batch.getFeatures(0),
        batch.getLabels(0),
        batch.getFeaturesMaskArray(0),
        batch.getLabelsMaskArray(0));
  }

  /**
   * Shapes and norms, rounded so that two ways of computing them agree. Where it drops out, DL4J
   * tells of activations that it has changed in place.
   */
  private static String told(Iterable<INDArray> activations, boolean random) {
    StringBuilder told = new StringBuilder();
    for (INDArray a : activations) {
      told.append(java.util.Arrays.toString(a.shape()))
          .append(
              random
                  ? ""
                  : String.format(
                      " %.5f ",
                      Math.round(1e5 * a.castTo(DataType.DOUBLE).norm2Number().doubleValue())
                          / 1e5));
    }
    return told.toString();
  }
}
