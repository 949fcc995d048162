package org.backpack4j.dl4j.internal.convert;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.backpack4j.dl4j.BatchStatistics;
import org.backpack4j.dl4j.Obstacle;
import org.backpack4j.dl4j.Scale;
import org.backpack4j.dl4j.spi.ActivationConverter;
import org.backpack4j.dl4j.spi.ConversionException;
import org.backpack4j.dl4j.spi.DropoutConverter;
import org.backpack4j.dl4j.spi.LayerConverter;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.backpack4j.dl4j.spi.LossContext;
import org.backpack4j.dl4j.spi.PreprocessorConverter;
import org.backpack4j.dl4j.spi.RandomActivationConverter;
import org.backpack4j.dl4j.spi.VertexConverter;
import org.backpack4j.samediff.internal.nd4j.EmptyFeeds;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.InputPreProcessor;
import org.deeplearning4j.nn.conf.dropout.IDropout;
import org.deeplearning4j.nn.conf.graph.GraphVertex;
import org.deeplearning4j.nn.conf.graph.PreprocessorVertex;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.NameScope;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.ILossFunction;

/**
 * One conversion of a network to a SameDiff graph: a walk along its layers and vertices.
 *
 * <p>First every step's configuration is checked, so that all obstacles are told at once; then the
 * steps are emitted in order, each in a name scope of its own.
 */
public final class NetworkConversion {
  private final Network network;
  private final ConverterRegistry tables;
  private final BatchShape shape;
  private final Choices choices;
  private final SameDiff graph = SameDiff.create();

  private final PreflightCheck survey;
  private final ConvertedRegion reach;

  /** The placeholders of what DL4J draws. */
  private final Map<Object, String> drawn = new IdentityHashMap<>();

  private final Map<String, KeptInput> kept = new LinkedHashMap<>();
  private final Map<String, LayerOutput> values = new LinkedHashMap<>();
  private final Entrances entrances;
  private final SharedParameters parameters;
  private final OutputLosses losses;
  private final Map<String, ConversionResult.State> states = new LinkedHashMap<>();
  private final List<ConversionResult.BatchStatistic> statistics = new ArrayList<>();
  private final List<String> notes = new ArrayList<>();

  private NetworkConversion(
      Network network, PreflightCheck survey, BatchShape shape, Choices choices) {
    this.network = network;
    this.survey = survey;
    this.reach = new ConvertedRegion(network);
    this.tables = choices.converters();
    this.shape = shape;
    this.choices = choices;
    survey.draws().forEach((name, draw) -> drawn.put(draw.owner(), name));
    this.entrances = new Entrances(graph, network.type());
    this.parameters = new SharedParameters(graph);
    this.losses = new OutputLosses(network.outputs(), shape, entrances);
  }

  /**
   * What a person chooses.
   *
   * @param scale the loss' scale
   * @param statistics what batch normalisation uses
   * @param iteration whether the graph is fed what belongs to one iteration
   * @param lenient whether the activations of layers that cannot be converted are fed, so that the
   *     layers above them can be had
   * @param converters who converts what
   */
  public record Choices(
      Scale scale,
      BatchStatistics statistics,
      boolean iteration,
      boolean lenient,
      ConverterRegistry converters) {}

  /**
   * Finds what stands in the way of a conversion, by the configuration alone.
   *
   * @param model the network
   * @param choices what the person chose
   * @return all obstacles; if they choose to be lenient, only those that leave nothing
   */
  public static List<Obstacle> check(Model model, Choices choices) {
    Network network = Network.of(model);
    return check(
        network, PreflightCheck.of(network, choices.converters(), choices.iteration()), choices);
  }

  private static List<Obstacle> check(Network network, PreflightCheck survey, Choices choices) {
    boolean hopeless = network.outputs().stream().anyMatch(survey.obstacles()::containsKey);
    return choices.lenient() && !hopeless ? List.of() : survey.all();
  }

  /**
   * Converts a network.
   *
   * @param model the network
   * @param shape the shapes of the batches
   * @param choices what the person chose
   * @param obstacles where to add what stands in the way
   * @return the graph; null if something stands in the way
   */
  public static @Nullable ConversionResult convert(
      Model model, BatchShape shape, Choices choices, List<Obstacle> obstacles) {
    // a listener keeps a graph for each network, and must not keep the network by it
    Network network = Network.of(model, !choices.iteration());
    PreflightCheck survey = PreflightCheck.of(network, choices.converters(), choices.iteration());
    obstacles.addAll(check(network, survey, choices));
    if (!obstacles.isEmpty()) {
      return null;
    }
    return new NetworkConversion(network, survey, shape, choices).convert(obstacles);
  }

  private @Nullable ConversionResult convert(List<Obstacle> obstacles) {
    List<String> inputs = network.inputs();
    List<@Nullable String> masks = new ArrayList<>();
    for (int k = 0; k < inputs.size(); k++) {
      masks.add(input(inputs.get(k), shape.features().get(k), shape.featureMasks().get(k)));
    }
    for (NetworkNode step : network.steps()) {
      if (!values.keySet().containsAll(step.inputs())) {
        continue; // behind one that could not be converted
      }
      try (NameScope scope = graph.withNameScope(step.name())) {
        values.put(step.name(), convert(step));
      } catch (ConversionException e) {
        instead(step, e.obstacle(), obstacles);
      }
    }
    if (obstacles.isEmpty()) {
      losses.missing().stream()
          .limit(1)
          .map(o -> "output \"" + o + "\"")
          .map(o -> new Obstacle(o, "it has no loss", "let outputs be output layers"))
          .forEach(obstacles::add);
    }
    if (!obstacles.isEmpty()) {
      return null;
    }
    graph.setLossVariables(losses.variables().toArray(new String[0]));
    return result(masks);
  }

  /** What a step answered in the iteration, in the place of what cannot be computed. */
  private void instead(NetworkNode step, Obstacle obstacle, List<Obstacle> obstacles) {
    List<Long> dims = shape.given().activations().get(step.name());
    if (!choices.lenient() || step.output() || dims == null) {
      obstacles.add(obstacle);
      return;
    }
    try {
      LayerOutput mask = maskBehind(step, obstacle);
      values.put(
          step.name(),
          entrances.given(IterationState.placeholder(step.name()), dims).withMask(mask));
      reach.end(step.name(), obstacle);
    } catch (ConversionException e) {
      obstacles.add(obstacle);
      if (!e.obstacle().equals(obstacle)) {
        obstacles.add(e.obstacle());
      }
    }
  }

  /** The mask that DL4J hands on with what a step answered; a layer's is known, a vertex' isn't. */
  private @Nullable LayerOutput maskBehind(NetworkNode step, Obstacle obstacle) {
    if (shape.featureMasks().stream().allMatch(List::isEmpty)) {
      return null;
    }
    List<LayerOutput> inputs = inputs(step);
    Layer layer = step.layer();
    if (layer == null) {
      throw new ConversionException(obstacle);
    }
    return inputs.get(0).mask() == null ? null : mask(layer, context(step, inputs));
  }

  private ConversionResult result(List<@Nullable String> masks) {
    Map<String, String> activations = new LinkedHashMap<>();
    values.forEach((name, value) -> activations.put(name, value.variable().name()));
    Map<String, Obstacle> beyond = reach.parameters();
    EmptyFeeds.refuse(graph);
    return new ConversionResult(
        graph,
        network.inputs(),
        masks,
        losses.labels(),
        losses.masks(),
        activations,
        parameters.trained(beyond.keySet()),
        losses.byOutput(),
        losses.predictions(),
        List.copyOf(statistics),
        states,
        entrances.given(),
        kept,
        parameters.noisy(),
        reach.ends(),
        beyond,
        List.copyOf(notes));
  }

  private @Nullable String input(String name, List<Long> dims, List<Long> maskDims) {
    LayerOutput value = entrances.of(name, dims);
    LayerOutput mask = maskDims.isEmpty() ? null : entrances.of(name + ".mask", maskDims);
    values.put(name, value.withMask(mask));
    return mask == null ? null : name + ".mask";
  }

  private LayerOutput convert(NetworkNode step) {
    List<Obstacle> known = survey.obstacles().get(step.name());
    if (known != null) {
      throw new ConversionException(known.get(0));
    }
    NodeConversion context = context(step, inputs(step));
    Layer layer = step.layer();
    return layer != null
        ? layer(layer, context)
        : vertex(Objects.requireNonNull(step.vertex()), context);
  }

  private List<LayerOutput> inputs(NetworkNode step) {
    return step.inputs().stream().map(i -> Objects.requireNonNull(values.get(i))).toList();
  }

  /** A step with its inputs, behind its preprocessor. */
  private NodeConversion context(NetworkNode step, List<LayerOutput> inputs) {
    NodeConversion context = new NodeConversion(this, step, inputs);
    InputPreProcessor preprocessor = step.preprocessor();
    return preprocessor == null ? context : context.with(preprocess(preprocessor, context));
  }

  Class<?> kind(Object conf) {
    return tables.kind(conf);
  }

  <L extends Layer> LayerOutput layer(L conf, NodeConversion context) {
    LayerConverter<L> converter = Objects.requireNonNull(tables.of(conf));
    LayerOutput mask = converter.mask(conf, context);
    IDropout dropout = conf.getIDropout();
    NodeConversion behind =
        dropout == null || !context.trained() ? context : dropped(dropout, context);
    LayerOutput value = converter.convert(conf, behind);
    return value.withMask(mask).withSteps(context.input().steps()); // a layer works row by row
  }

  /** The layer with its input as DL4J has changed it, if it has. */
  private <D extends IDropout> NodeConversion dropped(D dropout, NodeConversion context) {
    LayerOutput x = context.input();
    DropoutConverter<D> converter = Objects.requireNonNull(tables.of(dropout));
    LayerOutput noise =
        drawn(dropout, converter.shape(x), context, "put a DropoutLayer before it instead");
    if (noise == null) {
      return context;
    }
    String name = Objects.requireNonNull(drawn.get(dropout));
    RandomDraw draw = Objects.requireNonNull(survey.draws().get(name));
    if (draw.changed()) {
      kept.put(
          name,
          new KeptInput(
              context.where(),
              x.variable().name(),
              (before, after) -> Objects.requireNonNull(converter.noise(dropout, before, after)),
              KeptInput.zerosMatter(x.variable())));
    } else if (!draw.late() && reach.endsAt(context.name())) {
      throw context.refuse(
          "DL4J may have changed in place what the layer before it answered, for its "
              + dropout.getClass().getSimpleName(),
          "convert that layer too");
    }
    return context.with(x.with(converter.apply(dropout, x, noise.variable())));
  }

  /** A placeholder for what DL4J drew; null if it drew nothing. */
  private @Nullable LayerOutput drawn(
      Object owner, long[] expected, NodeConversion context, String remedy) {
    String name = drawn.get(owner);
    List<Long> dims = name == null ? null : shape.given().noise().get(name);
    if (name == null || dims == null) {
      return null;
    }
    String kind = owner.getClass().getSimpleName();
    if (entrances.isGiven(name)) {
      throw context.refuse(
          "its " + kind + " draws several times, and DL4J keeps the last numbers alone", remedy);
    }
    LayerOutput noise = entrances.given(name, dims);
    if (!Arrays.equals(noise.shape(), expected) || noise.steps() != context.input().steps()) {
      throw context.refuse(
          "what DL4J drew for its "
              + kind
              + " is of the shape "
              + noise
              + ", and not of that of its input, "
              + new LayerOutput(noise.variable(), expected),
          remedy);
    }
    return noise;
  }

  <V extends GraphVertex> LayerOutput vertex(V conf, NodeConversion context) {
    VertexConverter<V> converter = Objects.requireNonNull(tables.of(conf));
    long steps = context.inputs().get(0).steps();
    if (context.inputs().stream().anyMatch(v -> v.steps() != steps)) {
      throw context.refuse(
          "its inputs are time series in rows and not", "bring them into the same layout first");
    }
    LayerOutput value = converter.convert(conf, context);
    return conf instanceof PreprocessorVertex ? value : value.withSteps(steps);
  }

  <P extends InputPreProcessor> LayerOutput preprocess(P conf, NodeConversion context) {
    PreprocessorConverter<P> converter = tables.of(conf);
    if (converter == null) {
      throw unknown(conf, context);
    }
    return converter.convert(conf, context);
  }

  <L extends Layer> @Nullable LayerOutput mask(L conf, NodeConversion context) {
    LayerConverter<L> converter = tables.of(conf);
    if (converter == null) {
      throw unknown(conf, context);
    }
    return converter.mask(conf, context);
  }

  private static ConversionException unknown(Object conf, NodeConversion context) {
    return context.refuse(
        "a mask of the features reaches it, and what becomes of it in a "
            + conf.getClass().getSimpleName()
            + " is not known",
        "train without features' masks");
  }

  <A extends IActivation> SDVariable activate(A function, LayerOutput x, NodeConversion context) {
    ActivationConverter<A> converter = Objects.requireNonNull(tables.of(function));
    if (context.trained() && converter instanceof RandomActivationConverter<A> random) {
      LayerOutput drawn =
          drawn(function, x.shape(), context, "use LEAKYRELU, or new ActivationLReLU(slope)");
      if (drawn != null) {
        return random.convert(function, x.variable(), drawn.variable());
      }
    }
    return converter.convert(function, x.variable());
  }

  void note(String text) {
    notes.add(text);
  }

  void batchStatistic(ConversionResult.BatchStatistic statistic) {
    statistics.add(statistic);
  }

  /** Whether a step that answers one of some variables is read by more than one. */
  boolean severalRead(Set<String> variables) {
    return network.steps().stream()
        .map(NetworkNode::name)
        .filter(name -> values.containsKey(name))
        .filter(name -> variables.contains(value(name).variable().name()))
        .anyMatch(
            name -> network.steps().stream().filter(s -> s.inputs().contains(name)).count() > 1);
  }

  <F extends ILossFunction> long labelColumns(F loss, long columns) {
    return Objects.requireNonNull(tables.of(loss)).labelColumns(loss, columns);
  }

  <F extends ILossFunction> void loss(F loss, LossContext context) {
    Objects.requireNonNull(tables.of(loss)).convert(loss, context);
  }

  OutputLosses losses() {
    return losses;
  }

  LayerOutput parameter(NetworkNode step, String key, boolean train) {
    return parameters.of(step, key, train);
  }

  @Nullable SDVariable initialState(NetworkNode step, String key, long units) {
    if (!network.truncated()) {
      return null;
    }
    String name = step.name() + "." + key;
    states.put(name, new ConversionResult.State(step.name(), key, units));
    return entrances.of(name, -1, units);
  }

  /** The shape that a variable has for two samples of zeros; the samples are on axis 0. */
  long[] measure(SDVariable variable) {
    long[] dims = measure(List.of(variable)).get(0).clone();
    dims[0] = -1;
    return dims;
  }

  /** The shapes that variables have for two samples of zeros. */
  List<long[]> measure(List<SDVariable> variables) {
    Map<String, INDArray> feeds = new LinkedHashMap<>();
    for (SDVariable v : graph.variables()) {
      if (v.isPlaceHolder()) {
        long[] dims = v.placeholderShape().clone();
        dims[0] = 2;
        feeds.put(v.name(), Nd4j.zeros(type(), dims));
      }
    }
    String[] names = variables.stream().map(SDVariable::name).toArray(String[]::new);
    Map<String, INDArray> arrays = graph.output(feeds, names);
    graph.getSessions().clear();
    return Arrays.stream(names).map(n -> Objects.requireNonNull(arrays.get(n)).shape()).toList();
  }

  LayerOutput value(String name) {
    return Objects.requireNonNull(values.get(name));
  }

  SameDiff graph() {
    return graph;
  }

  DataType type() {
    return network.type();
  }

  Scale scale() {
    return choices.scale();
  }

  BatchStatistics statistics() {
    return choices.statistics();
  }
}
