package org.backpack4j.dl4j.internal.convert;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.backpack4j.dl4j.Obstacle;
import org.backpack4j.dl4j.spi.ActivationConverter;
import org.backpack4j.dl4j.spi.DropoutConverter;
import org.backpack4j.dl4j.spi.LayerConverter;
import org.backpack4j.dl4j.spi.LossConverter;
import org.backpack4j.dl4j.spi.Obstacles;
import org.backpack4j.dl4j.spi.RandomActivationConverter;
import org.backpack4j.dl4j.spi.VertexConverter;
import org.deeplearning4j.nn.conf.InputPreProcessor;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.dropout.AlphaDropout;
import org.deeplearning4j.nn.conf.dropout.Dropout;
import org.deeplearning4j.nn.conf.dropout.IDropout;
import org.deeplearning4j.nn.conf.dropout.SpatialDropout;
import org.deeplearning4j.nn.conf.graph.GraphVertex;
import org.deeplearning4j.nn.conf.layers.BaseLayer;
import org.deeplearning4j.nn.conf.layers.CenterLossOutputLayer;
import org.deeplearning4j.nn.conf.layers.Cnn3DLossLayer;
import org.deeplearning4j.nn.conf.layers.CnnLossLayer;
import org.deeplearning4j.nn.conf.layers.Convolution1D;
import org.deeplearning4j.nn.conf.layers.Convolution1DLayer;
import org.deeplearning4j.nn.conf.layers.Convolution3D;
import org.deeplearning4j.nn.conf.layers.Deconvolution2D;
import org.deeplearning4j.nn.conf.layers.Deconvolution3D;
import org.deeplearning4j.nn.conf.layers.DropoutLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.RnnLossLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.SpaceToDepthLayer;
import org.deeplearning4j.nn.conf.layers.Upsampling1D;
import org.deeplearning4j.nn.conf.layers.misc.RepeatVector;
import org.deeplearning4j.nn.conf.layers.objdetect.Yolo2OutputLayer;
import org.deeplearning4j.nn.conf.preprocessor.ComposableInputPreProcessor;
import org.deeplearning4j.nn.conf.weightnoise.DropConnect;
import org.deeplearning4j.nn.conf.weightnoise.IWeightNoise;
import org.deeplearning4j.nn.conf.weightnoise.WeightNoise;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.lossfunctions.ILossFunction;

/** What stands in the way of one layer or vertex, by its configuration alone. */
final class ObstacleSearch implements Obstacles {
  private static final String SWITCH_OFF =
      "switch it off while quantities are asked for: dropOut(1.0) in the configuration, or"
          + " conf.getLayer().setIDropout(null)";

  private static final String INSTEAD = "use LEAKYRELU, or new ActivationLReLU(slope)";

  private static final String LEAVE_OUT =
      "register one with converters(…) (docs/extending.md), write it as a SameDiff layer, or use"
          + " one of those listed in docs/guide-dl4j.md";

  /**
   * Layers that DL4J 1.0.0-M2.1 gives a mask in the forward pass, which their backward pass
   * forgets.
   */
  private static final Set<Class<?>> FORGETFUL =
      Set.of(
          Convolution1D.class,
          Convolution1DLayer.class,
          Convolution3D.class,
          Deconvolution2D.class,
          Deconvolution3D.class,
          RepeatVector.class,
          SpaceToDepthLayer.class,
          Upsampling1D.class);

  /** Output layers that leave dropout out. */
  private static final Set<Class<?>> HEEDLESS =
      Set.of(
          Cnn3DLossLayer.class,
          CnnLossLayer.class,
          LossLayer.class,
          RnnLossLayer.class,
          Yolo2OutputLayer.class);

  /** Output layers that keep their input as their dropout has changed it. */
  private static final Set<Class<?>> KEEPING =
      Set.of(CenterLossOutputLayer.class, OutputLayer.class);

  private static final String ONE_ITERATION = "ask a BackPackListener, which has them, or ";

  private final ConverterRegistry tables;
  private final NetworkNode step;
  private final boolean iteration;
  private final boolean sole;
  private final List<Obstacle> found = new ArrayList<>();
  private final List<RandomDraw> draws = new ArrayList<>();
  private final Set<IActivation> functions = Collections.newSetFromMap(new IdentityHashMap<>());
  private boolean noisy;

  /** Whether it is looked at layers in evaluation mode. */
  private boolean evaluating;

  /**
   * Looks at a step.
   *
   * @param iteration whether the random numbers of an iteration can be had
   * @param sole whether the network has one output alone
   */
  ObstacleSearch(ConverterRegistry tables, NetworkNode step, boolean iteration, boolean sole) {
    this.tables = tables;
    this.step = step;
    this.iteration = iteration;
    this.sole = sole;
  }

  @Override
  public void add(String reason, String remedy) {
    found.add(new Obstacle(step.where(), reason, remedy));
  }

  @Override
  public void addIf(boolean condition, String reason, String remedy) {
    if (condition) {
      add(reason, remedy);
    }
  }

  @Override
  public <L extends Layer> void layer(L layer) {
    LayerConverter<L> converter = tables.of(layer);
    if (converter == null) {
      add("there is no converter for a " + layer.getClass().getSimpleName(), LEAVE_OUT);
      return;
    }
    IDropout dropout = layer.getIDropout();
    if (dropout != null && drops(layer)) {
      dropout(dropout, layer);
    }
    if (layer instanceof BaseLayer base) {
      if (base.getWeightNoise() != null) {
        weightNoise(base.getWeightNoise(), base);
      }
      if (base.getActivationFn() != null) {
        activation(base.getActivationFn());
      }
    }
    converter.check(layer, this);
  }

  @Override
  public <L extends Layer> void frozen(L layer) {
    boolean before = evaluating;
    evaluating = true;
    layer(layer);
    evaluating = before;
  }

  @Override
  public boolean drops(Layer layer) {
    IDropout dropout = layer.getIDropout();
    boolean keepsAll =
        (dropout instanceof Dropout d && d.getP() == 1 && d.getPSchedule() == null)
            || (dropout instanceof SpatialDropout s && s.getP() == 1 && s.getPSchedule() == null)
            || (dropout instanceof AlphaDropout a && a.getP() == 1 && a.getPSchedule() == null);
    return dropout != null && !keepsAll && !evaluating && !HEEDLESS.contains(tables.kind(layer));
  }

  private <D extends IDropout> void dropout(D dropout, Layer layer) {
    DropoutConverter<D> converter = tables.of(dropout);
    String kind = dropout.getClass().getSimpleName();
    String passes = "its input passes a " + kind + ", whose random numbers ";
    if (converter == null) {
      add("there is no converter for " + kind + ", which its input passes", SWITCH_OFF);
    } else if (!iteration) {
      add(passes + "are those of one iteration", ONE_ITERATION + SWITCH_OFF);
    } else if (step.output()
        && sole
        && tables.kind(layer) == RnnOutputLayer.class
        && converter.rows()) {
      steps(dropout, converter, ((RnnOutputLayer) layer).getRnnDataFormat());
      converter.check(dropout, this);
    } else if (converter.adds()) {
      sum(dropout, layer);
    } else if (step.output() && KEEPING.contains(tables.kind(layer)) && converter.found()) {
      draws.add(new RandomDraw(dropout, true, true, (activations, generator) -> keptInput()));
      converter.check(dropout, this);
    } else if (step.output()) {
      add(
          passes + "DL4J draws and forgets between its calls of listeners",
          "put a DropoutLayer before the output layer instead, or " + SWITCH_OFF);
    } else if (FORGETFUL.contains(tables.kind(layer))) {
      add(
          "DL4J forgets the mask of its "
              + kind
              + " in the backward pass, so that its gradient is not that of its score",
          "put a DropoutLayer before it instead");
    } else {
      draws.add(
          new RandomDraw(
              dropout, false, false, (activations, generator) -> converter.noise(dropout)));
      converter.check(dropout, this);
    }
  }

  /** What is added to a layer's input, of which DL4J keeps the sum: as the layer's input. */
  private void sum(IDropout dropout, Layer layer) {
    String kind = dropout.getClass().getSimpleName();
    if (layer instanceof DropoutLayer) {
      draws.add(
          new RandomDraw(
              dropout, false, true, (activations, generator) -> activations.get(step.name())));
    } else if (step.output() && !KEEPING.contains(tables.kind(layer))) {
      add(
          "DL4J does not keep the sum of its input and its " + kind + " until it calls listeners",
          "put a DropoutLayer before it instead");
    } else if (isInside(layer)) {
      add(
          "its input passes a " + kind + ", of which only the layer inside has the sum",
          "put a DropoutLayer before it instead");
    } else {
      draws.add(
          new RandomDraw(dropout, step.output(), true, (activations, generator) -> keptInput()));
    }
  }

  /** What an output layer draws for all steps, before anything else in the backward pass. */
  private <D extends IDropout> void steps(
      D dropout, DropoutConverter<D> converter, @Nullable RNNFormat format) {
    org.deeplearning4j.nn.api.Layer running = step.running();
    RNNFormat layout = format == null ? RNNFormat.NCW : format;
    draws.add(
        new RandomDraw(
            dropout,
            true,
            false,
            (activations, generator) ->
                running == null
                    ? null
                    : DrawOfSteps.of(dropout, converter, running, layout, generator)));
  }

  /** The layer's input as it has changed it. */
  private @Nullable INDArray keptInput() {
    org.deeplearning4j.nn.api.Layer running = step.running();
    return running == null ? null : RuntimeLayers.input(running);
  }

  /** Whether a layer is inside the step's, more than wrapped in it. */
  @SuppressWarnings("ReferenceEquality")
  private boolean isInside(Layer layer) {
    return step.layer() == null || RuntimeLayers.inside(step.layer()) != layer;
  }

  private void weightNoise(IWeightNoise noise, Layer layer) {
    String leaveOut = "leave weightNoise(…) out";
    if (evaluating) {
      addIf(
          noise instanceof DropConnect d
              ? d.isApplyToBiases()
              : !(noise instanceof WeightNoise w) || w.isApplyToBias(),
          "DL4J changes biases at random in evaluation mode too, and does not keep them",
          "let its weight noise leave biases out");
    } else if (!iteration) {
      add(
          "its weights are changed at random in each iteration (weight noise)",
          ONE_ITERATION + leaveOut);
    } else if (isInside(layer)) {
      add("its weights are changed at random (weight noise) inside another layer", leaveOut);
    } else if (step.output() && tables.kind(layer) != OutputLayer.class) {
      add(
          "DL4J draws its weight noise once for the gradient and once more for the score",
          leaveOut);
    } else {
      noisy = true;
    }
  }

  @Override
  public <V extends GraphVertex> void vertex(V vertex) {
    VertexConverter<V> converter = tables.of(vertex);
    if (converter == null) {
      add("there is no converter for a " + vertex.getClass().getSimpleName(), LEAVE_OUT);
    } else {
      converter.check(vertex, this);
    }
  }

  @Override
  public void preprocessor(InputPreProcessor preprocessor) {
    if (preprocessor instanceof ComposableInputPreProcessor composed) {
      Arrays.stream(composed.getInputPreProcessors()).forEach(this::preprocessor);
    }
    addIf(
        tables.of(preprocessor) == null,
        "there is no converter for the preprocessor " + preprocessor.getClass().getSimpleName(),
        "use one of those listed in docs/guide-dl4j.md");
  }

  @Override
  public <A extends IActivation> void activation(A function) {
    ActivationConverter<A> converter = tables.of(function);
    if (converter == null) {
      add(
          "there is no converter for the activation function "
              + function.getClass().getSimpleName(),
          "use one of those listed in docs/guide-dl4j.md");
    } else {
      if (converter instanceof RandomActivationConverter<A> random) {
        random(function, random);
      }
      converter.check(function, this);
    }
  }

  private <A extends IActivation> void random(A function, RandomActivationConverter<A> converter) {
    String random = "DL4J draws random numbers for its " + name(function);
    functions.add(function);
    if (evaluating) {
      return;
    }
    if (!iteration) {
      add(random + " in each iteration", ONE_ITERATION + INSTEAD);
    } else if (step.output()) {
      add(random + " once for the gradient and once more for the score", INSTEAD);
    } else if (draws.stream().noneMatch(d -> d.owner() == function)) {
      draws.add(
          new RandomDraw(
              function, false, false, (activations, generator) -> converter.drawn(function)));
    }
  }

  /** Adds that an activation function which keeps random numbers is several layers'. */
  void shared(Map<IActivation, Integer> uses) {
    for (IActivation function : functions) {
      addIf(
          uses.getOrDefault(function, 0) > 1,
          "several layers share its " + name(function) + ", which keeps what it drew for the last",
          "give each layer one of its own, by its own activation(…)");
    }
  }

  private static String name(IActivation function) {
    return function.getClass().getSimpleName();
  }

  @Override
  public <F extends ILossFunction> void loss(F loss, IActivation activation) {
    LossConverter<F> converter = tables.of(loss);
    if (converter == null) {
      add(
          "there is no converter for the loss function " + loss.getClass().getSimpleName(),
          "use one of those listed in docs/guide-dl4j.md");
    } else {
      converter.check(loss, activation, this);
    }
  }

  /** What DL4J draws for the layer and those inside, and can be had. */
  List<RandomDraw> draws() {
    return List.copyOf(draws);
  }

  /** The activation functions that keep random numbers, in training or not. */
  Set<IActivation> randomFunctions() {
    return functions;
  }

  /** Whether parameters are changed at random, and can be had. */
  boolean noisy() {
    return noisy;
  }

  NetworkNode step() {
    return step;
  }

  List<Obstacle> found() {
    return List.copyOf(found);
  }
}
