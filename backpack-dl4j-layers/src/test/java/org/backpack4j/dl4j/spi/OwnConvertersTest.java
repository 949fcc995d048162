package org.backpack4j.dl4j.spi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Collection;
import org.backpack4j.dl4j.BackPackListener;
import org.backpack4j.dl4j.Dl4jConverter;
import org.backpack4j.dl4j.NetworkGraphs;
import org.backpack4j.dl4j.UnconvertibleNetworkException;
import org.backpack4j.dl4j.testing.Converted;
import org.backpack4j.dl4j.testing.Nets;
import org.backpack4j.samediff.dataset.DataSetQuantities;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.deeplearning4j.datasets.iterator.utilty.SingletonDataSetIterator;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.ParamInitializer;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.dropout.IDropout;
import org.deeplearning4j.nn.conf.graph.ScaleVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.FeedForwardLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.memory.LayerMemoryReport;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.params.DefaultParamInitializer;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.activations.BaseActivationFunction;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.activations.impl.ActivationIdentity;
import org.nd4j.linalg.activations.impl.ActivationTanH;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.ILossFunction;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.nd4j.linalg.lossfunctions.impl.LossMSE;
import org.nd4j.linalg.ops.transforms.Transforms;

/** Layers, vertices, functions, losses and dropouts that a person has written for DL4J. */
class OwnConvertersTest {
  private static final InputType ROWS = InputType.feedForward(4);

  private final DataType before = Nd4j.defaultFloatingPointType();

  @BeforeEach
  void doublePrecision() {
    Nd4j.setDefaultDataTypes(DataType.DOUBLE, DataType.DOUBLE);
    Nd4j.getRandom().setSeed(5);
  }

  @AfterEach
  void asBefore() {
    Nd4j.setDefaultDataTypes(before, before);
  }

  private static INDArray features() {
    return Nd4j.randn(DataType.DOUBLE, 3, 4);
  }

  private static INDArray classes() {
    return Nd4j.eye(3).castTo(DataType.DOUBLE);
  }

  private static OutputLayer softmax() {
    return new OutputLayer.Builder(LossFunction.MCXENT)
        .nOut(3)
        .activation(Activation.SOFTMAX)
        .build();
  }

  private static MultiLayerNetwork halved() {
    return Nets.sequential(
        ROWS, new HalvedLayer.Builder().nOut(5).activation(Activation.TANH).build(), softmax());
  }

  private static final ConverterProvider HALVED =
      converters ->
          converters.layer(
              HalvedLayer.class,
              (conf, context) -> {
                LayerOutput x = context.input();
                SDVariable w = context.parameter("W").variable();
                SDVariable b = context.parameter("b").variable();
                LayerOutput z = x.with(x.variable().mmul(w).add(b), -1, conf.getNOut());
                LayerOutput a = context.activate(conf.getActivationFn(), z);
                return a.with(a.variable().mul(0.5));
              });

  @Test
  void aLayer() {
    Converted.of(halved(), features(), classes()).converters(HALVED).check();
  }

  @Test
  void withoutItsConverterTheRefusalTellsOfTheDoor() {
    assertThatThrownBy(() -> Dl4jConverter.toSameDiff(halved()))
        .isInstanceOf(UnconvertibleNetworkException.class)
        .hasMessageContaining("HalvedLayer")
        .hasMessageContaining("converters(");
  }

  @Test
  void aListenerAndADataSetTakeThemToo() {
    MultiLayerNetwork net = halved();
    DataSet data = new DataSet(features(), classes());
    BackPackListener listener =
        new BackPackListener(new BatchGrad(), new DiagGGNExact()).converters(HALVED).verify(1, 3);
    listener.check(net, data);
    INDArray diagonal;
    try (NetworkGraphs graphs = NetworkGraphs.of(net, new DiagGGNExact()).converters(HALVED)) {
      diagonal =
          DataSetQuantities.of(graphs)
              .over(new SingletonDataSetIterator(data))
              .quantities()
              .get("0_W", DiagGGNExact.class);
    }
    net.addListeners(listener);
    net.fit(data);
    assertThat(listener.get("0_W", BatchGrad.class).shape()).isEqualTo(new long[] {3, 4, 5});
    assertThat(listener.get("0_W", DiagGGNExact.class).equalsWithEps(diagonal, 1e-9)).isTrue();
  }

  @Test
  void anActivationFunction() {
    MultiLayerNetwork net =
        Nets.sequential(
            ROWS,
            new DenseLayer.Builder().nOut(5).activation(new Squareplus()).build(),
            new ActivationLayer(new Squareplus()),
            softmax());
    Converted.of(net, features(), classes())
        .converters(c -> c.activation(Squareplus.class, Squareplus::of))
        .check();
  }

  @Test
  void aServiceLoaderFindsThem() {
    MultiLayerNetwork net =
        Nets.sequential(
            ROWS, new DenseLayer.Builder().nOut(5).activation(new Found()).build(), softmax());
    Converted.check(net, features(), classes());
  }

  @Test
  void whatACallIsGivenTakesThePlaceOfWhatIsFound() {
    MultiLayerNetwork net =
        Nets.sequential(
            ROWS, new DenseLayer.Builder().nOut(5).activation(new Found()).build(), softmax());
    assertThatThrownBy(
            () ->
                Converted.of(net, features(), classes())
                    .converters(c -> c.activation(Found.class, (f, x) -> x))
                    .check())
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("activations of 0");
  }

  @Test
  void aSubclassThatIsTheSame() {
    MultiLayerNetwork net =
        Nets.sequential(
            ROWS,
            new DenseLayer.Builder().nOut(5).activation(new NamedTanh()).build(),
            new OutputLayer.Builder(new NamedSquares()).nOut(2).activation(new Same()).build());
    Converted.of(net, features(), Nd4j.randn(DataType.DOUBLE, 3, 2))
        .converters(
            c ->
                c.sameAs(NamedTanh.class, ActivationTanH.class)
                    .sameAs(Same.class, ActivationIdentity.class)
                    .sameAs(NamedSquares.class, LossMSE.class))
        .check();
  }

  @Test
  void nothingIsTheSameAsWhatIsNotKnown() {
    assertThatThrownBy(
            () ->
                Dl4jConverter.on(halved())
                    .inputTypes(ROWS)
                    .converters(c -> c.sameAs(NamedTanh.class, BaseActivationFunction.class))
                    .convert())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(BaseActivationFunction.class.getName())
        .hasMessageContaining("has no converter");
  }

  @Test
  void aVertex() {
    ComputationGraph net =
        Nets.graph(
            Nets.graph(ROWS)
                .addLayer("dense", new DenseLayer.Builder().nOut(5).build(), "in")
                .addVertex("threefold", new Threefold(), "dense")
                .addLayer("out", softmax(), "threefold")
                .setOutputs("out"));
    Converted.of(net, features(), classes())
        .converters(
            c ->
                c.vertex(
                    Threefold.class,
                    (conf, context) -> context.input().with(context.input().variable().mul(3.0))))
        .check();
  }

  @Test
  void aLoss() {
    MultiLayerNetwork net =
        Nets.sequential(
            ROWS,
            new DenseLayer.Builder().nOut(5).build(),
            new OutputLayer.Builder(new LogCosh()).nOut(2).activation(Activation.TANH).build());
    Converted.of(net, features(), Nd4j.randn(DataType.DOUBLE, 3, 2))
        .converters(
            c ->
                c.loss(
                    LogCosh.class,
                    (loss, context) -> {
                      SDVariable a = context.output();
                      SDVariable d = a.sub(context.labels());
                      context.writtenOut(
                          context.sd().math().log(context.sd().math().cosh(d)), a, 1, null);
                    }))
        .check();
  }

  /** What DL4J drew in the iteration is what the quantities are of. */
  @Test
  void aDropout() {
    MultiLayerNetwork net =
        Nets.sequential(
            ROWS,
            new DenseLayer.Builder().nOut(5).build(),
            new DenseLayer.Builder().nOut(5).dropOut(new RandomSigns()).build(),
            softmax());
    DataSet data = new DataSet(features(), classes());
    BackPackListener listener =
        new BackPackListener(new BatchGrad())
            .converters(c -> c.dropout(RandomSigns.class, dropout -> dropout.signs))
            .gradientTolerance(1e-9);
    INDArray[] gradient = new INDArray[1];
    net.addListeners(listener, Nets.gradients("0_W", gradient));
    for (int k = 0; k < 3; k++) {
      net.fit(data);
      INDArray sum = listener.get("0_W", BatchGrad.class).sum(0);
      assertThat(sum.equalsWithEps(gradient[0], 1e-10)).isTrue();
    }
  }

  // ---- what a person has written ----

  /** act(x W + b)/2. */
  static final class HalvedLayer extends FeedForwardLayer {
    private static final long serialVersionUID = 1L;

    HalvedLayer(Builder builder) {
      super(builder);
    }

    @Override
    public Layer instantiate(
        NeuralNetConfiguration conf,
        Collection<TrainingListener> listeners,
        int index,
        INDArray view,
        boolean initialize,
        DataType type) {
      Halved layer = new Halved(conf, type);
      layer.setListeners(listeners);
      layer.setIndex(index);
      layer.setParamsViewArray(view);
      layer.setParamTable(initializer().init(conf, view, initialize));
      layer.setConf(conf);
      return layer;
    }

    @Override
    public ParamInitializer initializer() {
      return DefaultParamInitializer.getInstance();
    }

    @Override
    public LayerMemoryReport getMemoryReport(InputType inputType) {
      throw new UnsupportedOperationException();
    }

    static final class Builder extends FeedForwardLayer.Builder<Builder> {
      @Override
      @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
      public <E extends org.deeplearning4j.nn.conf.layers.Layer> E build() {
        return (E) new HalvedLayer(this);
      }
    }
  }

  /** Its computation in DL4J. */
  static final class Halved extends org.deeplearning4j.nn.layers.BaseLayer<HalvedLayer> {
    private static final long serialVersionUID = 1L;

    Halved(NeuralNetConfiguration conf, DataType type) {
      super(conf, type);
    }

    @Override
    public INDArray activate(boolean training, LayerWorkspaceMgr workspaces) {
      return super.activate(training, workspaces).muli(0.5);
    }

    @Override
    public Pair<Gradient, INDArray> backpropGradient(
        INDArray epsilon, LayerWorkspaceMgr workspaces) {
      return super.backpropGradient(epsilon.mul(0.5), workspaces);
    }

    @Override
    public boolean isPretrainLayer() {
      return false;
    }
  }

  /** (x + √(x² + 4))/2. */
  static class Squareplus extends BaseActivationFunction {
    private static final long serialVersionUID = 1L;

    @Override
    public INDArray getActivation(INDArray x, boolean training) {
      return x.assign(x.add(Transforms.sqrt(x.mul(x).addi(4))).muli(0.5));
    }

    @Override
    public Pair<INDArray, INDArray> backprop(INDArray x, INDArray epsilon) {
      INDArray slope = x.div(Transforms.sqrt(x.mul(x).addi(4))).addi(1).muli(0.5);
      return new Pair<>(slope.muli(epsilon), null);
    }

    static SDVariable of(IActivation function, SDVariable x) {
      return x.add(x.getSameDiff().math().sqrt(x.mul(x).add(4.0))).mul(0.5);
    }
  }

  /** One whose converter a ServiceLoader finds. */
  static final class Found extends Squareplus {
    private static final long serialVersionUID = 1L;
  }

  /** Found by the tests' META-INF/services. */
  public static final class FoundProvider implements ConverterProvider {
    @Override
    public void register(Converters converters) {
      converters.activation(Found.class, Squareplus::of);
    }
  }

  static final class NamedTanh extends ActivationTanH {
    private static final long serialVersionUID = 1L;
  }

  static final class Same extends ActivationIdentity {
    private static final long serialVersionUID = 1L;
  }

  static final class NamedSquares extends LossMSE {
    private static final long serialVersionUID = 1L;
  }

  static final class Threefold extends ScaleVertex {
    private static final long serialVersionUID = 1L;

    Threefold() {
      super(3);
    }

    @Override
    public Threefold clone() {
      return new Threefold();
    }
  }

  /** Σ log cosh(a − y). */
  static final class LogCosh implements ILossFunction {
    private static final long serialVersionUID = 1L;

    @Override
    public double computeScore(
        INDArray labels, INDArray z, IActivation function, INDArray mask, boolean average) {
      double sum = computeScoreArray(labels, z, function, mask).sumNumber().doubleValue();
      return average ? sum / labels.size(0) : sum;
    }

    @Override
    public INDArray computeScoreArray(
        INDArray labels, INDArray z, IActivation function, INDArray mask) {
      INDArray d = function.getActivation(z.dup(), true).subi(labels);
      return Transforms.log(Transforms.cosh(d)).sum(true, 1);
    }

    @Override
    public INDArray computeGradient(
        INDArray labels, INDArray z, IActivation function, INDArray mask) {
      INDArray d = function.getActivation(z.dup(), true).subi(labels);
      return function.backprop(z, Transforms.tanh(d)).getFirst();
    }

    @Override
    public Pair<Double, INDArray> computeGradientAndScore(
        INDArray labels, INDArray z, IActivation function, INDArray mask, boolean average) {
      return new Pair<>(
          computeScore(labels, z, function, mask, average),
          computeGradient(labels, z, function, mask));
    }

    @Override
    public String name() {
      return "LogCosh";
    }
  }

  /** Gives each number one of the signs. */
  static final class RandomSigns implements IDropout {
    private static final long serialVersionUID = 1L;

    private transient INDArray signs;

    @Override
    public INDArray applyDropout(
        INDArray x, INDArray result, int iteration, int epoch, LayerWorkspaceMgr workspaces) {
      signs = workspaces.createUninitialized(ArrayType.INPUT, x.dataType(), x.shape(), 'c');
      signs.assign(Transforms.sign(Nd4j.rand(x.dataType(), x.shape()).subi(0.5)));
      return result.assign(x.mul(signs));
    }

    @Override
    public INDArray backprop(INDArray output, INDArray input, int iteration, int epoch) {
      input.assign(output.mul(signs));
      signs = null;
      return input;
    }

    @Override
    public void clear() {
      signs = null;
    }

    @Override
    public IDropout clone() {
      return new RandomSigns();
    }
  }
}
