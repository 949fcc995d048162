package org.backpack4j.dl4j.internal.convert;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import java.util.stream.IntStream;
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
import org.backpack4j.samediff.internal.nd4j.SharedArrays;
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
import org.nd4j.autodiff.samediff.VariableType;
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

  /** Views of the network's flat vector of parameters, looked up each time. */
  private final SharedArrays arrays = new SharedArrays();

  private final PreflightCheck survey;
  private final ConvertedRegion reach;

  /** The placeholders of what DL4J draws. */
  private final Map<Object, String> drawn = new IdentityHashMap<>();

  private final Map<String, Long> given = new LinkedHashMap<>();
  private final Map<String, KeptInput> kept = new LinkedHashMap<>();
  private final Map<String, INDArray> noisy = new ConcurrentHashMap<>();

  private final Map<String, LayerOutput> values = new LinkedHashMap<>();
  private final Map<String, LayerOutput> parameters = new LinkedHashMap<>();
  private final Set<String> trained = new TreeSet<>();
  private final Map<String, String> labels = new LinkedHashMap<>();
  private final Map<String, String> labelMasks = new LinkedHashMap<>();
  private final Map<String, List<String>> losses = new LinkedHashMap<>();
  private final Set<String> predictions = new LinkedHashSet<>();
  private final Map<String, State> states = new LinkedHashMap<>();
  private final List<BatchStatistic> statistics = new ArrayList<>();
  private final List<String> notes = new ArrayList<>();
  private boolean writtenOut;

  private NetworkConversion(
      Network network, PreflightCheck survey, BatchShape shape, Choices choices) {
    this.network = network;
    this.survey = survey;
    this.reach = new ConvertedRegion(network);
    this.tables = choices.converters();
    this.shape = shape;
    this.choices = choices;
    survey.draws().forEach((name, draw) -> drawn.put(draw.owner(), name));
    graph.setArrayHolders(arrays, arrays, false);
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
   * What a recurrent layer carries from one part of a sequence to the next.
   *
   * @param layer the layer's name
   * @param key DL4J's key
   * @param units how many numbers for each sample
   */
  public record State(String layer, String key, long units) {}

  /**
   * Mean and variance of a batch, of which batch normalisation keeps running averages.
   *
   * @param owner what the names of the layer's parameters begin with: {@code 3_}, say
   * @param decay how much of the running averages a batch leaves
   * @param mean the variable with the batch's mean, an entry for each channel
   * @param variance the variable with the batch's biased variance, an entry for each channel
   */
  public record BatchStatistic(String owner, double decay, String mean, String variance) {}

  /**
   * A converted network.
   *
   * @param graph the graph, whose loss variables are the losses of the outputs
   * @param features for each network input its placeholder
   * @param featureMasks for each network input its mask's placeholder, or null
   * @param labels for each output its labels' placeholder
   * @param labelMasks for each output its labels' mask's placeholder, or null
   * @param activations for each layer and vertex the variable with its activations
   * @param parameters the trained parameters, in the network's order
   * @param losses for each output its loss variables, whose sum is its loss
   * @param predictions for each output where second-order quantities start; empty if all losses are
   *     SameDiff's own, which know it themselves
   * @param statistics what batch normalisation has computed of the batch
   * @param states placeholders of what recurrent layers begin with [N, units]; none unless the
   *     network is trained by truncated backpropagation through time
   * @param given for the placeholder of each array that belongs to one iteration, how many rows of
   *     the array a sample has
   * @param kept for a placeholder of what changes a layer's input: how it is found out, where
   *     DL4J's array is the changed input
   * @param noisy what the graph reads in the place of a parameter; to be filled by the parameters'
   *     names
   * @param begins the steps behind which the graph begins, since they could not be converted
   * @param outOfReach for each parameter below a layer that could not be converted, what stands in
   *     the way
   * @param notes what is to be told with second-order quantities
   */
  public record Result(
      SameDiff graph,
      List<String> features,
      List<@Nullable String> featureMasks,
      List<String> labels,
      List<@Nullable String> labelMasks,
      Map<String, String> activations,
      List<String> parameters,
      Map<String, List<String>> losses,
      List<String> predictions,
      List<BatchStatistic> statistics,
      Map<String, State> states,
      Map<String, Long> given,
      Map<String, KeptInput> kept,
      Map<String, INDArray> noisy,
      Set<String> begins,
      Map<String, Obstacle> outOfReach,
      List<String> notes) {}

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
  public static @Nullable Result convert(
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

  private @Nullable Result convert(List<Obstacle> obstacles) {
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
    for (String output : network.outputs()) {
      if (obstacles.isEmpty() && !losses.containsKey(output)) {
        obstacles.add(
            new Obstacle(
                "output \"" + output + "\"", "it has no loss", "let outputs be output layers"));
      }
    }
    if (!obstacles.isEmpty()) {
      return null;
    }
    List<String> lossVariables = losses.values().stream().flatMap(List::stream).toList();
    graph.setLossVariables(lossVariables.toArray(new String[0]));
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
      values.put(step.name(), given(IterationState.placeholder(step.name()), dims).withMask(mask));
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

  /** A placeholder for what belongs to one iteration; rows of one sample are an axis there. */
  private LayerOutput given(String name, List<Long> dims) {
    long rows = dims.get(0);
    given.put(name, rows);
    long[] folded = BatchShape.array(dims);
    folded[0] = -1;
    if (rows == 1) {
      return new LayerOutput(entrance(name, folded), folded);
    }
    long[] apart = new long[folded.length + 1];
    int[] rowsFirst = IntStream.range(0, apart.length).toArray();
    System.arraycopy(folded, 1, apart, 2, folded.length - 1);
    apart[0] = -1;
    apart[1] = rows;
    rowsFirst[0] = 1;
    rowsFirst[1] = 0;
    SDVariable laidOut = graph.permute(entrance(name, apart), rowsFirst);
    return new LayerOutput(graph.reshape(laidOut, folded), folded).withSteps(rows);
  }

  private Result result(List<@Nullable String> masks) {
    Map<String, String> activations = new LinkedHashMap<>();
    values.forEach((name, value) -> activations.put(name, value.variable().name()));
    Map<String, Obstacle> beyond = reach.parameters();
    List<@Nullable String> maskNames = new ArrayList<>();
    network.outputs().forEach(o -> maskNames.add(labelMasks.get(o)));
    EmptyFeeds.refuse(graph);
    return new Result(
        graph,
        network.inputs(),
        masks,
        network.outputs().stream().map(o -> Objects.requireNonNull(labels.get(o))).toList(),
        maskNames,
        activations,
        parameters.keySet().stream()
            .filter(p -> trained.contains(p) && !beyond.containsKey(p))
            .toList(),
        losses,
        writtenOut ? List.copyOf(predictions) : List.of(),
        List.copyOf(statistics),
        states,
        given,
        kept,
        noisy,
        reach.ends(),
        beyond,
        List.copyOf(notes));
  }

  private @Nullable String input(String name, List<Long> dims, List<Long> maskDims) {
    SDVariable variable = entrance(name, BatchShape.array(dims));
    LayerOutput mask = null;
    if (!maskDims.isEmpty()) {
      long[] maskShape = BatchShape.array(maskDims);
      mask = new LayerOutput(entrance(name + ".mask", maskShape), maskShape);
    }
    values.put(name, new LayerOutput(variable, BatchShape.array(dims), mask));
    return mask == null ? null : name + ".mask";
  }

  /**
   * A placeholder. It is read through a reshape to its own shape: M2.1's array cache goes wrong on
   * arrays in 'f' order, and what a reshape answers is in 'c' order.
   */
  private SDVariable entrance(String name, long[] dims) {
    return graph.reshape(graph.placeHolder(name, type(), dims), dims);
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
    if (given.containsKey(name)) {
      throw context.refuse(
          "its " + kind + " draws several times, and DL4J keeps the last numbers alone", remedy);
    }
    LayerOutput noise = given(name, dims);
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

  void batchStatistic(BatchStatistic statistic) {
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

  void addLoss(NetworkNode step, SDVariable loss, SDVariable prediction, boolean own) {
    addLoss(step, loss);
    predictions.add(prediction.name());
    writtenOut |= own;
  }

  int losses(NetworkNode step) {
    return losses.getOrDefault(step.name(), List.of()).size();
  }

  void addLoss(NetworkNode step, SDVariable loss) {
    losses.computeIfAbsent(step.name(), n -> new ArrayList<>()).add(loss.name());
  }

  LayerOutput parameter(NetworkNode step, String key, boolean train) {
    String name = step.parameter(key);
    if (train) {
      trained.add(name);
    }
    return parameters.computeIfAbsent(name, n -> share(n, step, key));
  }

  private LayerOutput share(String name, NetworkNode step, String key) {
    INDArray array = step.parameters().get().get(key);
    if (array == null) {
      throw new IllegalStateException(
          step.where()
              + " has no parameter \""
              + key
              + "\"; it has "
              + step.parameters().get().keySet()
              + ".");
    }
    long[] dims = array.shape();
    SDVariable variable =
        new SDVariable(name, VariableType.VARIABLE, graph, dims, array.dataType());
    arrays.share(name, lookUp(name, step.parameters(), key, noisy));
    graph.addVariable(variable);
    // as for placeholders: DL4J's dense weights are in 'f' order
    return new LayerOutput(
        array.ordering() == 'c' ? variable : graph.reshape(variable, dims), dims);
  }

  /** Looks an array up; it keeps nothing but what it needs, neither the step nor this object. */
  private static Supplier<@Nullable INDArray> lookUp(
      String name,
      Supplier<Map<String, INDArray>> parameters,
      String key,
      Map<String, INDArray> noisy) {
    return () -> {
      INDArray changed = noisy.get(name);
      return changed != null ? changed : parameters.get().get(key);
    };
  }

  @Nullable SDVariable initialState(NetworkNode step, String key, long units) {
    if (!network.truncated()) {
      return null;
    }
    String name = step.name() + "." + key;
    states.put(name, new State(step.name(), key, units));
    return entrance(name, new long[] {-1, units});
  }

  SDVariable labels(NetworkNode step, long... dims) {
    String name = step.name() + ".labels";
    labels.put(step.name(), name);
    return entrance(name, dims);
  }

  long @Nullable [] labelShape(NetworkNode step) {
    List<Long> dims = shape.labels().get(network.outputs().indexOf(step.name()));
    return dims.isEmpty() ? null : BatchShape.array(dims);
  }

  @Nullable LayerOutput labelMask(NetworkNode step) {
    List<Long> dims = shape.labelMasks().get(network.outputs().indexOf(step.name()));
    if (dims.isEmpty()) {
      return null;
    }
    String name = step.name() + ".labels.mask";
    labelMasks.put(step.name(), name);
    long[] maskShape = BatchShape.array(dims);
    return new LayerOutput(entrance(name, maskShape), maskShape);
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
