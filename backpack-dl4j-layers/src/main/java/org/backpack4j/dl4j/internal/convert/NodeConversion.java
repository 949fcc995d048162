package org.backpack4j.dl4j.internal.convert;

import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.backpack4j.dl4j.BatchStatistics;
import org.backpack4j.dl4j.Obstacle;
import org.backpack4j.dl4j.Scale;
import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.ConversionException;
import org.backpack4j.dl4j.spi.LayerOutput;
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
final class NodeConversion implements ConversionContext {
  private final NetworkConversion conversion;
  private final NetworkNode step;
  private final List<LayerOutput> inputs;
  private final String prefix;
  private final boolean trained;
  private final boolean masking;

  NodeConversion(NetworkConversion conversion, NetworkNode step, List<LayerOutput> inputs) {
    this(conversion, step, inputs, "", true, false);
  }

  private NodeConversion(
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
  NodeConversion with(LayerOutput input) {
    return new NodeConversion(conversion, step, List.of(input), prefix, trained, masking);
  }

  /** Whether the layer is trained: it isn't inside a frozen one, which runs in evaluation mode. */
  boolean trained() {
    return trained;
  }

  @Override
  public String name() {
    return step.name();
  }

  /** What messages call the layer or vertex. */
  String where() {
    return step.where();
  }

  @Override
  public SameDiff sd() {
    return conversion.graph();
  }

  @Override
  public DataType type() {
    return conversion.type();
  }

  @Override
  public LayerOutput input() {
    return inputs.get(0);
  }

  @Override
  public List<LayerOutput> inputs() {
    return inputs;
  }

  @Override
  public LayerOutput network(String input) {
    return conversion.value(input);
  }

  @Override
  public LayerOutput parameter(String key) {
    return conversion.parameter(step, prefix + key, trained);
  }

  @Override
  public LayerOutput state(String key) {
    return conversion.parameter(step, prefix + key, false);
  }

  @Override
  public boolean has(String key) {
    return arrays().containsKey(prefix + key);
  }

  private Map<String, INDArray> arrays() {
    Supplier<Map<String, INDArray>> parameters = step.parameters();
    return parameters.get();
  }

  @Override
  public @Nullable SDVariable initialState(String key, long units) {
    return conversion.initialState(step, key, units);
  }

  @Override
  public LayerOutput activate(IActivation function, LayerOutput x) {
    return x.with(conversion.activate(function, x, this));
  }

  @Override
  public LayerOutput measured(SDVariable variable) {
    return new LayerOutput(variable, conversion.measure(variable));
  }

  @Override
  public LayerOutput inner(Layer conf, String keys, LayerOutput input) {
    return inner(conf, keys, input, masking);
  }

  @Override
  public LayerOutput inner(Layer conf, String keys, LayerOutput input, boolean masked) {
    return conversion.layer(
        conf, new NodeConversion(conversion, step, List.of(input), prefix + keys, trained, masked));
  }

  @Override
  public @Nullable LayerOutput innerMask(Layer conf, LayerOutput input) {
    return conversion.mask(conf, with(input));
  }

  @Override
  public boolean masking() {
    return masking;
  }

  @Override
  public LayerOutput preprocessed(InputPreProcessor preprocessor, LayerOutput input) {
    return conversion.preprocess(
        preprocessor,
        new NodeConversion(conversion, step, List.of(input), prefix, trained, masking));
  }

  @Override
  public LayerOutput frozen(Layer conf, LayerOutput input) {
    return conversion.layer(
        conf, new NodeConversion(conversion, step, List.of(input), prefix, false, masking));
  }

  @Override
  public LayerOutput frozen(GraphVertex conf) {
    return conversion.vertex(
        conf, new NodeConversion(conversion, step, inputs, prefix, false, masking));
  }

  @Override
  public boolean runningStatistics() {
    return !trained || conversion.statistics() == BatchStatistics.RUNNING;
  }

  @Override
  public void batchStatistic(double decay, SDVariable mean, SDVariable variance) {
    conversion.batchStatistic(
        new ConversionResult.BatchStatistic(
            step.parameter(prefix), decay, mean.name(), variance.name()));
  }

  @Override
  public boolean output() {
    return step.output();
  }

  @Override
  public SDVariable labels(long... shape) {
    return conversion.losses().labels(step, shape);
  }

  @Override
  public long @Nullable [] labelShape() {
    return conversion.losses().labelShape(step);
  }

  @Override
  public @Nullable LayerOutput labelMask() {
    return conversion.losses().labelMask(step);
  }

  @Override
  public @Nullable LayerOutput lossMask() {
    LayerOutput given = output() ? labelMask() : null;
    return given != null ? given : input().mask();
  }

  @Override
  public long labelColumns(ILossFunction loss, long columns) {
    return conversion.labelColumns(loss, columns);
  }

  @Override
  public void loss(
      ILossFunction loss,
      IActivation activation,
      LayerOutput preOutput,
      SDVariable labels,
      @Nullable LayerOutput mask,
      long rowsPerSample) {
    conversion.loss(
        loss,
        new LossConversion(
            this, conversion.scale(), activation, preOutput, labels, mask, rowsPerSample));
  }

  @Override
  public void writtenOut(SDVariable terms, SDVariable predictions) {
    addLoss(
        conversion.scale() == Scale.SUM ? terms.sum("loss") : terms.mean("loss"),
        predictions,
        true);
  }

  @Override
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

  @Override
  public void inlined(SDVariable loss, SDVariable predictions) {
    boolean own = !(sd().getVariableOutputOp(loss.name()) instanceof BaseLoss);
    SDVariable scaled = loss;
    if (conversion.scale() == Scale.MEAN) {
      SDVariable samples = sd().sizeAt(input().variable(), 0).castTo(type());
      scaled = loss.div(samples);
    }
    addLoss(scaled, predictions, own);
  }

  /** The class by which a configuration is known. */
  Class<?> kind(Object conf) {
    return conversion.kind(conf);
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
    return conversion.losses().count(step);
  }

  void addConstant(SDVariable loss) {
    conversion.losses().add(step, loss);
  }

  void addLoss(SDVariable loss, SDVariable predictions, boolean writtenOut) {
    conversion.losses().add(step, loss, predictions, writtenOut);
  }

  @Override
  public ConversionException refuse(String reason, String remedy) {
    return new ConversionException(new Obstacle(step.where(), reason, remedy));
  }

  @Override
  public SDVariable constant(INDArray array) {
    return sd().constant(array.castTo(type()));
  }
}
