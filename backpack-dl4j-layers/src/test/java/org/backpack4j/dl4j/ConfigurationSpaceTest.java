package org.backpack4j.dl4j;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Stream;
import org.backpack4j.dl4j.testing.Configurations;
import org.backpack4j.dl4j.testing.Draws;
import org.backpack4j.dl4j.testing.Nets;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;

/**
 * Over the space of each configuration's values the converted network is DL4J's: activations and
 * scores, in training and in evaluation mode. What DL4J itself refuses is refused, or not made.
 */
class ConfigurationSpaceTest {
  private static final double TOLERANCE = 1e-6;

  private static final int CASES = 2;

  static Stream<String> kinds() {
    return Configurations.all().keySet().stream();
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void isDl4jsFunction(String kind) {
    Nets.inDoublePrecision(
        () -> {
          for (int seed = 0; seed < CASES; seed++) {
            Outcome outcome = Outcome.of(kind, seed);
            assertThat(outcome.fault()).as(kind + " " + seed + ": " + outcome.what()).isNull();
          }
        });
  }

  /** What became of a case. */
  private record Outcome(String state, String what, String fault) {

    static Outcome of(String kind, long seed) {
      Function<Draws, Configurations.Case> draw = Configurations.all().get(kind);
      Configurations.Case drawn;
      try {
        drawn = draw.apply(new Draws(seed));
      } catch (RuntimeException e) {
        return new Outcome("no network", first(e), null);
      }
      return of(drawn, seed);
    }

    private static Outcome of(Configurations.Case drawn, long seed) {
      MultiDataSet batch = new MultiDataSet(drawn.x(), drawn.y());
      perturb(drawn, seed);
      Map<String, INDArray> theirs = new LinkedHashMap<>();
      String refusal = null;
      for (boolean training : new boolean[] {true, false}) {
        try {
          activations(drawn, training).forEach((k, v) -> theirs.put(k + " " + training, v));
        } catch (RuntimeException e) {
          refusal = first(e);
        }
        try {
          theirs.put("score " + training, score(drawn, batch, training));
        } catch (RuntimeException e) {
          refusal = first(e);
        }
      }
      Map<String, INDArray> ours = new LinkedHashMap<>();
      try {
        for (boolean training : new boolean[] {true, false}) {
          converted(drawn, batch, training, ours);
        }
      } catch (UnconvertibleNetworkException e) {
        return new Outcome("refused", drawn.settings() + ": " + first(e), null);
      } catch (RuntimeException e) {
        return new Outcome(
            theirs.isEmpty() ? "both fail" : "FAILS",
            drawn.settings(),
            theirs.isEmpty() ? null : e.toString());
      }
      if (theirs.isEmpty()) {
        return new Outcome("DL4J FAILS", drawn.settings(), "DL4J refuses it: " + refusal);
      }
      for (Map.Entry<String, INDArray> e : theirs.entrySet()) {
        String fault = fault(e.getValue(), ours.get(e.getKey()));
        if (fault != null) {
          return new Outcome("WRONG", drawn.settings(), e.getKey() + ": " + fault);
        }
      }
      return new Outcome("ok", drawn.settings(), null);
    }

    private static String fault(INDArray expected, INDArray actual) {
      if (actual == null) {
        return "missing";
      }
      if (!java.util.Arrays.equals(expected.shape(), actual.shape())) {
        return "shapes "
            + java.util.Arrays.toString(expected.shape())
            + " and "
            + java.util.Arrays.toString(actual.shape());
      }
      INDArray a = expected.dup('c');
      INDArray b = actual.dup('c');
      for (long k = 0; k < a.length(); k++) {
        double x = a.getDouble(k);
        double y = b.getDouble(k);
        boolean same =
            Double.compare(x, y) == 0 || Math.abs(x - y) <= TOLERANCE * Math.max(1, Math.abs(x));
        if (!same) {
          return "entry " + k + " is " + y + ", DL4J's is " + x;
        }
      }
      return null;
    }

    /** Parameters that are at no default value; variances stay positive. */
    private static void perturb(Configurations.Case drawn, long seed) {
      Draws d = new Draws(seed + 1000);
      drawn
          .net()
          .paramTable()
          .forEach(
              (name, array) -> {
                INDArray noise = d.numbers(array.shape()).castTo(array.dataType()).muli(0.3);
                array.addi(name.endsWith("_var") ? noise.addi(0.5) : noise);
              });
    }

    private static Map<String, INDArray> activations(Configurations.Case drawn, boolean training) {
      Map<String, INDArray> all = new LinkedHashMap<>();
      if (drawn.net() instanceof ComputationGraph graph) {
        graph
            .feedForward(new INDArray[] {drawn.x().dup()}, training)
            .forEach((k, v) -> all.put(k, v.dup()));
        return all;
      }
      MultiLayerNetwork net = (MultiLayerNetwork) drawn.net();
      List<INDArray> layers = net.feedForward(drawn.x().dup(), training);
      for (int k = 1; k < layers.size(); k++) {
        all.put(Integer.toString(k - 1), layers.get(k).dup());
      }
      return all;
    }

    private static INDArray score(Configurations.Case drawn, MultiDataSet batch, boolean training) {
      double score =
          drawn.net() instanceof ComputationGraph graph
              ? graph.score(
                  new MultiDataSet(batch.getFeatures(0).dup(), batch.getLabels(0).dup()), training)
              : ((MultiLayerNetwork) drawn.net())
                  .score(
                      new org.nd4j.linalg.dataset.DataSet(
                          batch.getFeatures(0).dup(), batch.getLabels(0).dup()),
                      training);
      return org.nd4j.linalg.factory.Nd4j.createFromArray(score);
    }

    private static void converted(
        Configurations.Case drawn,
        MultiDataSet batch,
        boolean training,
        Map<String, INDArray> into) {
      ConvertedNetwork converted =
          Dl4jConverter.on(drawn.net())
              .like(batch)
              .statistics(training ? BatchStatistics.BATCH : BatchStatistics.RUNNING)
              .convert();
      Map<String, INDArray> feeds = converted.feeds(batch);
      List<String> layers =
          drawn.net() instanceof ComputationGraph graph
              ? List.copyOf(graph.getConfiguration().getVertices().keySet())
              : java.util.stream.IntStream.range(0, ((MultiLayerNetwork) drawn.net()).getnLayers())
                  .mapToObj(Integer::toString)
                  .toList();
      List<String> losses = converted.losses().values().stream().flatMap(List::stream).toList();
      List<String> names = new java.util.ArrayList<>(losses);
      layers.forEach(l -> names.add(converted.activations(l)));
      if (drawn.net() instanceof ComputationGraph) {
        into.put("in " + training, feeds.get("in"));
      }
      Map<String, INDArray> values =
          converted.sameDiff().output(feeds, names.toArray(new String[0]));
      layers.forEach(l -> into.put(l + " " + training, values.get(converted.activations(l))));
      double loss = losses.stream().mapToDouble(l -> values.get(l).getDouble(0)).sum();
      into.put(
          "score " + training,
          org.nd4j.linalg.factory.Nd4j.createFromArray(loss / Configurations.N));
    }

    private static String first(Throwable e) {
      String text = String.valueOf(e.getMessage());
      String[] lines = text.split("\n", -1);
      return lines.length > 1 ? lines[0] + " " + lines[1] : lines[0];
    }
  }

  /** By hand: the first seed, how many, and perhaps what the kinds' names begin with. */
  public static void main(String[] arguments) {
    Nets.inDoublePrecision(() -> run(arguments));
  }

  private static void run(String[] arguments) {
    long first = Long.parseLong(arguments[0]);
    long count = Long.parseLong(arguments[1]);
    Map<String, Integer> states = new java.util.TreeMap<>();
    for (String kind : Configurations.all().keySet()) {
      if (arguments.length > 2 && !kind.startsWith(arguments[2])) {
        continue;
      }
      for (long seed = first; seed < first + count; seed++) {
        Outcome outcome = Outcome.of(kind, seed);
        states.merge(kind + ": " + outcome.state(), 1, Integer::sum);
        if (outcome.fault() != null || outcome.state().equals("no network")) {
          System.out.println(
              kind
                  + " "
                  + seed
                  + " "
                  + outcome.state()
                  + ": "
                  + outcome.what()
                  + "\n    "
                  + outcome.fault());
        }
        if (outcome.state().equals("refused") && arguments.length > 3) {
          System.out.println(kind + " " + seed + " refused: " + outcome.what());
        }
      }
    }
    states.forEach((state, times) -> System.out.println(times + " " + state));
  }
}
