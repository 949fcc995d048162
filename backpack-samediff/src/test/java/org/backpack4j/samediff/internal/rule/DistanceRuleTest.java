package org.backpack4j.samediff.internal.rule;

import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.util.ArrayList;
import java.util.List;
import org.backpack4j.samediff.testing.Checked;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;

class DistanceRuleTest {
  private interface Distance {
    SDVariable apply(SameDiff sd, SDVariable a, SDVariable b, int... axes);
  }

  static List<Arguments> distances() {
    List<Arguments> all = new ArrayList<>();
    all.add(distance("dot", (sd, a, b, axes) -> sd.dot(a, b, axes)));
    all.add(distance("cosine", (sd, a, b, axes) -> sd.math().cosineDistance(a, b, axes)));
    all.add(distance("similarity", (sd, a, b, axes) -> sd.math().cosineSimilarity(a, b, axes)));
    all.add(distance("euclidean", (sd, a, b, axes) -> sd.math().euclideanDistance(a, b, axes)));
    all.add(distance("manhattan", (sd, a, b, axes) -> sd.math().manhattanDistance(a, b, axes)));
    all.add(
        distance(
            "jaccard", (sd, a, b, axes) -> sd.math().jaccardDistance(a.add(1), b.add(1), axes)));
    return all;
  }

  private static Arguments distance(String name, Distance distance) {
    return arguments(name, distance);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("distances")
  void ofTwoActivations(String name, Distance distance) {
    Between net =
        Between.input(2, 2)
            .another(2, 2)
            .op(
                (sd, x) -> {
                  SDVariable y = sd.getVariable("h_x2").add(0.3);
                  return sd.concat(
                      1,
                      distance.apply(sd, x, y, 2),
                      distance.apply(sd, x, y, 1, 2).reshape(-1, 1));
                });
    Checked.check(net.graph(), net.feeds());
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("distances")
  void toAParameter(String name, Distance distance) {
    Between net = Between.input(2, 3);
    SameDiff sd = net.graph();
    SDVariable centre = sd.var("centre", Between.random(3).addi(0.2));
    net.op((g, x) -> distance.apply(sd, x, centre, 2));
    Checked.check(sd, net.feeds());
  }
}
