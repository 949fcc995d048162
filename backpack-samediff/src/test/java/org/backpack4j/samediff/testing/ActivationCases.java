package org.backpack4j.samediff.testing;

import static org.backpack4j.samediff.testing.OpCase.random;
import static org.backpack4j.samediff.testing.OpCase.variables;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Activations of {@code sd.nn()}. */
final class ActivationCases {
  private final List<OpCase> cases = new ArrayList<>();

  private ActivationCases() {}

  static List<OpCase> all() {
    ActivationCases all = new ActivationCases();
    all.pointwise();
    all.softmax();
    return all.cases;
  }

  private void add(
      String name,
      Map<String, INDArray> variables,
      BiFunction<SameDiff, SDVariable, SDVariable> op) {
    cases.add(new OpCase(name, variables, sd -> op.apply(sd, sd.getVariable("x"))));
  }

  private void pointwise() {
    Map<String, INDArray> matrix = variables("x", random(3, 5));
    add("cReLU", matrix, (sd, x) -> sd.nn().cReLU(x));
    add("elu", matrix, (sd, x) -> sd.nn().elu(x));
    add("gelu", matrix, (sd, x) -> sd.nn().gelu(x));
    add("preciseGelu", matrix, (sd, x) -> sd.nn().preciseGelu(x));
    add("hardSigmoid", matrix, (sd, x) -> sd.nn().hardSigmoid(x));
    add("hardTanh", matrix, (sd, x) -> sd.nn().hardTanh(x));
    add("leakyRelu 0.3", matrix, (sd, x) -> sd.nn().leakyRelu(x, 0.3));
    add("logSigmoid", matrix, (sd, x) -> sd.nn().logSigmoid(x));
    add("relu cutoff 0.1", matrix, (sd, x) -> sd.nn().relu(x, 0.1));
    add("relu6", matrix, (sd, x) -> sd.nn().relu6(x, 0));
    add("selu", matrix, (sd, x) -> sd.nn().selu(x));
    add("sigmoid", matrix, (sd, x) -> sd.nn().sigmoid(x));
    add("softplus", matrix, (sd, x) -> sd.nn().softplus(x));
    add("softsign", matrix, (sd, x) -> sd.nn().softsign(x));
    add("swish", matrix, (sd, x) -> sd.nn().swish(x));
    add("tanh", matrix, (sd, x) -> sd.nn().tanh(x));
    add("mish", matrix, (sd, x) -> sd.math().tanh(sd.nn().softplus(x)).mul(x));
    add(
        "prelu shared 2,3",
        variables("x", random(2, 4, 3, 3), "a", random(4, 1, 1)),
        (sd, x) -> sd.nn().prelu(x, sd.getVariable("a"), 2, 3));
    add("dropout p=1", matrix, (sd, x) -> sd.nn().dropout(x, 1.0));
  }

  private void softmax() {
    Map<String, INDArray> matrix = variables("x", random(3, 5));
    Map<String, INDArray> image = variables("x", random(2, 4, 5, 5));
    add("logSoftmax", matrix, (sd, x) -> sd.nn().logSoftmax(x));
    add("logSoftmax axis 1 of 4d", image, (sd, x) -> sd.nn().logSoftmax(x, 1));
    add("softmax default of 4d", image, (sd, x) -> sd.nn().softmax(x));
    add("softmax axis 1 of 4d", image, (sd, x) -> sd.nn().softmax(x, 1));
  }
}
