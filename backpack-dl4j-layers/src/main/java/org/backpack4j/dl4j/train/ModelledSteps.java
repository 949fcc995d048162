package org.backpack4j.dl4j.train;

import java.util.LinkedHashMap;
import java.util.Map;
import org.backpack4j.dl4j.internal.convert.BatchShape;
import org.backpack4j.dl4j.internal.train.RepeatedPass;
import org.backpack4j.samediff.curvature.LinearOperator;
import org.backpack4j.samediff.curvature.ParameterLayout;
import org.backpack4j.samediff.extension.GGNProduct;
import org.deeplearning4j.nn.api.Model;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * What the quadratic model of a step's batch is asked: the step's length and momentum before the
 * step, and the damping after it.
 *
 * <p>Where the updater changes a step, the model is asked after it for the change of the parameters
 * that was made, at the parameters from before.
 */
final class ModelledSteps implements AutoCloseable {
  /** How exact a loss is that single or double precision has computed, relative to it. */
  private static final double ROUNDING = 1e-5;

  private static final double ROUNDING_IN_DOUBLE = 1e-12;

  private final RepeatedPass pass;
  private final DampingRule rule;
  private final GGNProduct one = new GGNProduct();
  private final GGNProduct two = new GGNProduct(2);
  private boolean exactRate;
  private boolean exactMomentum;

  /** Steps so far. */
  private long steps;

  /** The step before; null before the first, or without momentum. */
  private @Nullable Flat before;

  /** What the step that was begun is asked for. */
  private RepeatedPass.@Nullable Evaluation evaluation;

  private @Nullable Open open;

  /** A vector of parameters. */
  private record Flat(ParameterLayout layout, INDArray vector) {}

  /**
   * The step under way.
   *
   * @param vector the step itself, where it is the next one's second direction
   * @param lossBefore NaN if the damping is not adapted after it
   * @param parameters those before the step, where the model is asked after it
   */
  private record Open(
      RepeatedPass.@Nullable Evaluation evaluation,
      MeanGradient gradient,
      ParameterLayout layout,
      KfacStep step,
      @Nullable Flat vector,
      double lossBefore,
      Map<String, INDArray> parameters) {}

  ModelledSteps(RepeatedPass pass, DampingRule rule) {
    this.pass = pass;
    this.rule = rule;
  }

  void exactLearningRate() {
    exactRate = true;
  }

  void exactMomentum() {
    exactRate = true;
    exactMomentum = true;
  }

  boolean isExact() {
    return exactRate;
  }

  private boolean adapts() {
    return rule.isDueAfter(steps + 1);
  }

  /** Whether the model is asked in the next step. */
  boolean isAsked() {
    return exactRate || adapts();
  }

  private GGNProduct products() {
    return exactMomentum ? two : one;
  }

  /** Tells what stands in the way for batches of a shape. */
  void check(Model net, BatchShape shape) {
    if (exactRate) {
      WholeStep.check(net);
    }
    if (exactRate || rule.adapts()) {
      WholeStep.algorithm(net);
      pass.check(net, shape, products());
    }
  }

  /**
   * Begins a step whose gradient has been computed: looks at everything that may stand in the way
   * before anything is changed.
   *
   * @param net the network
   * @throws IllegalStateException if something behind the gradient would change an exact step, or
   *     the loss after the step could not be compared
   */
  void begin(Model net) {
    open = null;
    evaluation = null;
    if (!isAsked()) {
      return;
    }
    WholeStep.algorithm(net);
    if (exactRate) {
      WholeStep.check(net);
    }
    RepeatedPass.Evaluation prepared = pass.evaluation(net, products());
    if (adapts() && prepared.isOfNoisyParameters()) {
      throw new IllegalStateException(
          "The network has weight noise, so that the loss after a step is not to be compared with"
              + " that before: leave adaptDamping(…) or the noise out.");
    }
    evaluation = prepared;
  }

  /**
   * Chooses the step that was begun, and puts it in the place of the gradient.
   *
   * @param net the network
   * @param iteration the iteration's number
   * @param gradient its mean gradient ḡ
   * @param layout of the gradient
   * @param natural (C + δ)⁻¹ ḡ [D]
   * @param shorter what it is multiplied by where no exact learning rate is asked for
   */
  void make(
      Model net,
      int iteration,
      MeanGradient gradient,
      ParameterLayout layout,
      INDArray natural,
      double shorter) {
    RepeatedPass.Evaluation asked = evaluation;
    evaluation = null;
    double damping = rule.damping();
    double loss = asked != null && adapts() ? asked.loss() : Double.NaN;
    if (asked != null && exactRate) {
      QuadraticModel model = model(asked, gradient, layout, damping);
      open = exact(model, iteration, asked, gradient, layout, natural, loss);
      return;
    }
    Map<String, INDArray> parameters = new LinkedHashMap<>();
    if (asked != null) {
      layout.names().forEach(name -> parameters.put(name, copy(net, name)));
    }
    gradient.replaceBy(natural.mul(shorter));
    KfacStep step = new KfacStep(iteration, damping, shorter, 0, Double.NaN, Double.NaN);
    open = new Open(asked, gradient, layout, step, null, loss, parameters);
  }

  private Open exact(
      QuadraticModel model,
      int iteration,
      RepeatedPass.Evaluation asked,
      MeanGradient gradient,
      ParameterLayout layout,
      INDArray natural,
      double loss) {
    INDArray direction = natural.neg();
    Flat last = exactMomentum ? before : null;
    QuadraticModel.Minimum minimum;
    INDArray step;
    if (last != null && last.layout().equals(layout)) {
      minimum =
          model.within(
              Nd4j.vstack(
                  direction.reshape(1, layout.size()), last.vector().reshape(1, layout.size())));
      step = direction.mul(minimum.first()).addi(last.vector().mul(minimum.second()));
    } else {
      minimum = model.along(direction);
      step = direction.mul(minimum.first());
    }
    gradient.replaceBy(step.neg());
    KfacStep told =
        new KfacStep(
            iteration,
            rule.damping(),
            minimum.first(),
            minimum.second(),
            minimum.change(),
            Double.NaN);
    Flat vector = exactMomentum ? new Flat(layout, step) : null;
    return new Open(asked, gradient, layout, told, vector, loss, Map.of());
  }

  private QuadraticModel model(
      RepeatedPass.Evaluation asked,
      MeanGradient gradient,
      ParameterLayout layout,
      double damping) {
    LinearOperator products = asked.products(products(), layout);
    return new QuadraticModel(products, gradient.flat(), damping);
  }

  private static INDArray copy(Model net, String name) {
    INDArray parameter = net.getParam(name);
    return parameter.dup(parameter.ordering());
  }

  /**
   * The step has been made: adapts the damping if it is time to.
   *
   * @param net the network
   * @return the step; null if none was under way
   */
  @Nullable KfacStep made(Model net) {
    Open made = open;
    open = null;
    if (made == null) {
      return null;
    }
    boolean adapts = adapts();
    steps++;
    before = made.vector();
    KfacStep step = made.step();
    RepeatedPass.Evaluation asked = made.evaluation();
    if (asked == null || !adapts) {
      return step;
    }
    double after = asked.loss();
    double change = exactRate ? step.modelChange() : changeMade(net, made, asked);
    boolean exact = net.params().dataType() == DataType.DOUBLE;
    double ratio =
        rule.adapt(made.lossBefore(), after, change, exact ? ROUNDING_IN_DOUBLE : ROUNDING);
    return new KfacStep(
        step.iteration(), step.damping(), step.learningRate(), step.momentum(), change, ratio);
  }

  private double changeMade(Model net, Open made, RepeatedPass.Evaluation asked) {
    ParameterLayout layout = made.layout();
    Map<String, INDArray> moved = new LinkedHashMap<>();
    made.parameters()
        .forEach(
            (name, parameter) ->
                moved.put(
                    name,
                    net.getParam(name)
                        .castTo(DataType.DOUBLE)
                        .sub(parameter.castTo(DataType.DOUBLE))
                        .dup('c')
                        .reshape(layout.shape(name))));
    asked.readParametersFrom(made.parameters());
    return model(asked, made.gradient(), layout, made.step().damping()).change(layout.join(moved));
  }

  @Override
  public void close() {
    open = null;
    evaluation = null;
    pass.close();
  }
}
