package org.backpack4j.dl4j.internal.convert;

import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.backpack4j.dl4j.BatchStatistics;
import org.backpack4j.dl4j.Obstacle;
import org.backpack4j.dl4j.Scale;
import org.backpack4j.samediff.internal.interpret.RandomOps;
import org.backpack4j.samediff.internal.rewrite.InferenceDropoutToIdentity;
import org.deeplearning4j.nn.conf.InputPreProcessor;
import org.deeplearning4j.nn.conf.graph.GraphVertex;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.loss.BaseLoss;
import org.nd4j.linalg.api.rng.Random;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.ILossFunction;

/** What a converter sees: the layer's or vertex' inputs and parameters, and the graph. */
public final class ConversionContext {
  private final NetworkConversion conversion;
  private final NetworkNode step;
  private final List<LayerOutput> inputs;
  private final String prefix;
  private final boolean trained;
  private final boolean masking;

  ConversionContext(NetworkConversion conversion, NetworkNode step, List<LayerOutput> inputs) {
    this(conversion, step, inputs, "", true, false);
  }

  private ConversionContext(
      NetworkConversion conversion,
      NetworkNode step,
      List<LayerOutput> inputs,
      String prefix,
      boolean trained,
      boolean masking) {
    this.conversion = conversion;
    this.step = step;
    this.inputs = List.copyOf(inputs);
    this.prefix = prefix;
    this.trained = trained;
    this.masking = masking;
  }

  /** The same with another input. */
  ConversionContext with(LayerOutput input) {
    return new ConversionContext(conversion, step, List.of(input), prefix, trained, masking);
  }

  /** Whether the layer is trained: it isn't inside a frozen one, which runs in evaluation mode. */
  boolean trained() {
    return trained;
  }

  /**
   * The name of the layer or vertex.
   *
   * @return its name; of a layer of a MultiLayerNetwork, its number
   */
  public String name() {
    return step.name();
  }

  /** What messages call the layer or vertex. */
  String where() {
    return step.where();
  }

  /**
   * The graph that is being made.
   *
   * @return the graph
   */
  public SameDiff sd() {
    return conversion.graph();
  }

  /**
   * The network's type.
   *
   * @return the type of parameters and activations
   */
  public DataType type() {
    return conversion.type();
  }

  /**
   * The only input.
   *
   * @return what comes in
   */
  public LayerOutput input() {
    return inputs.get(0);
  }

  /**
   * All inputs.
   *
   * @return what comes in, in the vertex' order
   */
  public List<LayerOutput> inputs() {
    return inputs;
  }

  /**
   * An input of the network, for vertices that look at its length or mask.
   *
   * @param input its name
   * @return what comes in
   */
  public LayerOutput network(String input) {
    return conversion.value(input);
  }

  /**
   * A parameter: a variable that shares the network's array and has quantities of its own.
   *
   * @param key DL4J's key, "W" say
   * @return its value, in DL4J's own layout
   */
  public LayerOutput parameter(String key) {
    return conversion.parameter(step, prefix + key, trained);
  }

  /**
   * An array of the layer that is not trained by its gradient: the statistics of batch
   * normalisation, say. It is shared as a parameter is, but has no quantities.
   *
   * @param key DL4J's key
   * @return its value
   */
  public LayerOutput state(String key) {
    return conversion.parameter(step, prefix + key, false);
  }

  /**
   * Whether the layer has an array of that key.
   *
   * @param key DL4J's key
   * @return whether there is one
   */
  public boolean has(String key) {
    return arrays().containsKey(prefix + key);
  }

  private Map<String, INDArray> arrays() {
    Supplier<Map<String, INDArray>> parameters = step.parameters();
    return parameters.get();
  }

  /**
   * What a recurrent layer begins with, where the network is trained by truncated backpropagation
   * through time: a placeholder [N, units].
   *
   * @param key DL4J's key
   * @param units how many numbers for each sample
   * @return the variable; null if the layer begins with zeros
   */
  public @Nullable SDVariable initialState(String key, long units) {
    return conversion.initialState(step, key, units);
  }

  /**
   * Emits an activation function.
   *
   * @param function the function
   * @param x its argument
   * @return its value
   */
  public LayerOutput activate(IActivation function, LayerOutput x) {
    return x.with(conversion.activate(function, x, this));
  }

  /**
   * Where shapes cannot be told from the configuration: computes a variable for two samples of
   * zeros, and sees.
   *
   * @param variable a variable of the graph
   * @return the variable with its shape
   */
  public LayerOutput measured(SDVariable variable) {
    return new LayerOutput(variable, conversion.measure(variable));
  }

  /**
   * Emits a layer that this one contains.
   *
   * @param conf its configuration
   * @param keys what its parameters' keys begin with in this layer
   * @param input what it is given
   * @return its activations
   */
  public LayerOutput inner(Layer conf, String keys, LayerOutput input) {
    return inner(conf, keys, input, masking);
  }

  /**
   * Emits a layer that this one contains, and may make it apply the mask.
   *
   * @param conf its configuration
   * @param keys what its parameters' keys begin with in this layer
   * @param input what it is given
   * @param masked whether it is to apply the input's mask where it would only pass it on by itself
   * @return its activations
   */
  public LayerOutput inner(Layer conf, String keys, LayerOutput input, boolean masked) {
    return conversion.layer(
        conf,
        new ConversionContext(conversion, step, List.of(input), prefix + keys, trained, masked));
  }

  /**
   * The mask that a layer which this one contains hands on.
   *
   * @param conf its configuration
   * @param input what it is given
   * @return its mask, or null
   */
  public @Nullable LayerOutput innerMask(Layer conf, LayerOutput input) {
    return conversion.mask(conf, with(input));
  }

  /**
   * Whether a layer that contains this one makes it apply the mask.
   *
   * @return whether the mask is to be applied by layers that only pass it on by themselves
   */
  public boolean masking() {
    return masking;
  }

  /**
   * Emits a preprocessor.
   *
   * @param preprocessor the preprocessor
   * @param input what it is given
   * @return what it answers
   */
  public LayerOutput preprocessed(InputPreProcessor preprocessor, LayerOutput input) {
    return conversion.preprocess(
        preprocessor,
        new ConversionContext(conversion, step, List.of(input), prefix, trained, masking));
  }

  /**
   * Emits a layer that this one contains and whose parameters are not trained.
   *
   * @param conf its configuration
   * @param input what it is given
   * @return its activations
   */
  public LayerOutput frozen(Layer conf, LayerOutput input) {
    return conversion.layer(
        conf, new ConversionContext(conversion, step, List.of(input), prefix, false, masking));
  }

  /**
   * Emits a vertex that this one contains and whose parameters are not trained.
   *
   * @param conf its configuration
   * @return what it answers
   */
  public LayerOutput frozen(GraphVertex conf) {
    return conversion.vertex(
        conf, new ConversionContext(conversion, step, inputs, prefix, false, masking));
  }

  /**
   * Whether batch normalisation uses its running statistics: where the person chose so, and in a
   * frozen layer.
   *
   * @return false for those of the batch
   */
  public boolean runningStatistics() {
    return !trained || conversion.statistics() == BatchStatistics.RUNNING;
  }

  /**
   * Tells the mean and the variance of the batch, of which the layer keeps running averages.
   *
   * @param decay how much of the running averages a batch leaves
   * @param mean the batch's mean, an entry for each channel
   * @param variance the batch's biased variance, an entry for each channel
   */
  public void batchStatistic(double decay, SDVariable mean, SDVariable variance) {
    conversion.batchStatistic(
        new NetworkConversion.BatchStatistic(
            step.parameter(prefix), decay, mean.name(), variance.name()));
  }

  /**
   * Whether the step is one of the network's outputs, so that its labels and loss are wanted.
   *
   * @return whether it is
   */
  public boolean output() {
    return step.output();
  }

  /**
   * The labels: a placeholder of the network's type.
   *
   * @param shape their shape, −1 where the samples are
   * @return the variable
   */
  public SDVariable labels(long... shape) {
    return conversion.labels(step, shape);
  }

  /**
   * The shape of the labels.
   *
   * @return the shape, −1 where the samples are; null if it is not known
   */
  public long @Nullable [] labelShape() {
    return conversion.labelShape(step);
  }

  /**
   * The mask of the labels.
   *
   * @return a placeholder with its shape; null if there is none
   */
  public @Nullable LayerOutput labelMask() {
    return conversion.labelMask(step);
  }

  /**
   * The mask of an output layer's loss: that of the labels, or else that of the features that comes
   * with the input. DL4J puts both into the same place.
   *
   * @return the mask with its shape; null if there is none
   */
  public @Nullable LayerOutput lossMask() {
    LayerOutput given = output() ? labelMask() : null;
    return given != null ? given : input().mask();
  }

  /**
   * How many numbers the labels of a row are.
   *
   * @param loss the loss function
   * @param columns the number of values in a row of what goes into the activation function
   * @return the number of columns of the labels
   */
  public long labelColumns(ILossFunction loss, long columns) {
    return conversion.labelColumns(loss, columns);
  }

  /**
   * Emits the loss of an output layer; to be called once, and only for an {@link #output()}.
   *
   * @param loss the loss function
   * @param activation the activation function
   * @param preOutput what goes into the activation function, as rows [N·R, C]
   * @param labels the labels, as rows [N·R, C]
   * @param mask [N·R, 1] or [N·R, C], or null
   * @param rowsPerSample R: 1, the number of time steps, or of pixels
   */
  public void loss(
      ILossFunction loss,
      IActivation activation,
      LayerOutput preOutput,
      SDVariable labels,
      @Nullable LayerOutput mask,
      long rowsPerSample) {
    conversion.loss(
        loss,
        new LossContext(
            this, conversion.scale(), activation, preOutput, labels, mask, rowsPerSample));
  }

  /**
   * Adds a loss that the layer writes out of simple ops.
   *
   * @param terms a term for each sample [N]
   * @param predictions what they are computed from: where second-order quantities start
   */
  public void writtenOut(SDVariable terms, SDVariable predictions) {
    addLoss(
        conversion.scale() == Scale.SUM ? terms.sum("loss") : terms.mean("loss"),
        predictions,
        true);
  }

  /**
   * Has a person's own layer or vertex define something in our graph. DL4J has it defined, too:
   * what either draws is not what the other does.
   *
   * @param definition defines it
   * @return what it has defined
   */
  public SDVariable defined(Supplier<SDVariable> definition) {
    Random generator = Nd4j.getRandom();
    long root = generator.rootState();
    long node = generator.nodeState();
    SDVariable defined = definition.get();
    if (generator.rootState() != root || generator.nodeState() != node) {
      generator.setStates(root, node);
      throw refuse(
          "it draws random numbers when it is defined, others than in DL4J's own definition",
          "draw them before, and keep them in the layer");
    }
    InferenceDropoutToIdentity.apply(sd());
    List<SameDiffOp> drawing = RandomOps.in(sd(), List.of(defined.name()));
    if (!drawing.isEmpty()) {
      throw refuse(
          "its "
              + drawing.stream()
                  .map(op -> "\"" + RandomOps.label(op) + "\" (" + op.getOp().opName() + ")")
                  .collect(Collectors.joining(", "))
              + " draws random numbers, which are others than those of DL4J's own step",
          "feed the noise as an input of the network, or use DL4J's dropout and noise, whose draws"
              + " are known");
    }
    return defined;
  }

  /**
   * Adds a loss that a person has defined.
   *
   * @param loss the sum over all samples
   * @param predictions where second-order quantities start, unless it is one of SameDiff's own
   */
  public void inlined(SDVariable loss, SDVariable predictions) {
    boolean own = !(sd().getVariableOutputOp(loss.name()) instanceof BaseLoss);
    SDVariable scaled = loss;
    if (conversion.scale() == Scale.MEAN) {
      SDVariable samples = sd().sizeAt(input().variable(), 0).castTo(type());
      scaled = loss.div(samples);
    }
    addLoss(scaled, predictions, own);
  }

  /** What rows are, if a softmax or a sigmoid of an earlier layer has made them. */
  @Nullable Probabilities probabilities(SDVariable rows) {
    return Probabilities.of(rows);
  }

  /** Whether each of the rows is a function's answer by itself. */
  boolean alongRows(Probabilities probabilities) {
    return probabilities.alongRows(conversion::measure);
  }

  /** Whether anything but this layer reads a function's answer. */
  boolean othersRead(Probabilities probabilities) {
    return probabilities.readOtherwise() || conversion.severalRead(probabilities.variables());
  }

  void note(String text) {
    conversion.note(step.where() + ": " + text);
  }

  /** The number of loss variables that the step has. */
  int losses() {
    return conversion.losses(step);
  }

  void addConstant(SDVariable loss) {
    conversion.addLoss(step, loss);
  }

  void addLoss(SDVariable loss, SDVariable predictions, boolean writtenOut) {
    conversion.addLoss(step, loss, predictions, writtenOut);
  }

  /**
   * Says that something cannot be converted.
   *
   * @param reason what is not supported
   * @param remedy what to do
   * @return an exception to throw
   */
  public ConversionException refuse(String reason, String remedy) {
    return new ConversionException(new Obstacle(step.where(), reason, remedy));
  }

  /**
   * A constant of the network's type.
   *
   * @param array the values
   * @return the variable
   */
  public SDVariable constant(INDArray array) {
    return sd().constant(array.castTo(type()));
  }
}
