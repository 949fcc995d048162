package org.backpack4j.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.backpack4j.dl4j.testing.MaskedCase.C;
import static org.backpack4j.dl4j.testing.MaskedCase.F;
import static org.backpack4j.dl4j.testing.MaskedCase.N;
import static org.backpack4j.dl4j.testing.MaskedCase.T;
import static org.backpack4j.dl4j.testing.MaskedCase.batch;
import static org.backpack4j.dl4j.testing.MaskedCase.dense;
import static org.backpack4j.dl4j.testing.MaskedCase.graph;
import static org.backpack4j.dl4j.testing.MaskedCase.images;
import static org.backpack4j.dl4j.testing.MaskedCase.output;
import static org.backpack4j.dl4j.testing.MaskedCase.places;
import static org.backpack4j.dl4j.testing.MaskedCase.pool;
import static org.backpack4j.dl4j.testing.MaskedCase.rows;
import static org.backpack4j.dl4j.testing.MaskedCase.series;
import static org.backpack4j.dl4j.testing.MaskedCase.simple;
import static org.backpack4j.dl4j.testing.MaskedCase.softmax;
import static org.backpack4j.dl4j.testing.MaskedCase.steps;
import static org.deeplearning4j.nn.conf.layers.Convolution3D.DataFormat.NCDHW;

import java.util.stream.Stream;
import org.backpack4j.dl4j.testing.MaskedCase;
import org.backpack4j.dl4j.testing.Nets;
import org.deeplearning4j.nn.api.MaskState;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.graph.PoolHelperVertex;
import org.deeplearning4j.nn.conf.graph.ReshapeVertex;
import org.deeplearning4j.nn.conf.graph.StackVertex;
import org.deeplearning4j.nn.conf.graph.UnstackVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.AutoEncoder;
import org.deeplearning4j.nn.conf.layers.Convolution3D;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.Deconvolution2D;
import org.deeplearning4j.nn.conf.layers.DropoutLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.layers.SpaceToBatchLayer;
import org.deeplearning4j.nn.conf.layers.Upsampling1D;
import org.deeplearning4j.nn.conf.layers.ZeroPadding1DLayer;
import org.deeplearning4j.nn.conf.layers.convolutional.Cropping1D;
import org.deeplearning4j.nn.conf.layers.misc.RepeatVector;
import org.deeplearning4j.nn.conf.layers.recurrent.TimeDistributed;
import org.deeplearning4j.nn.conf.layers.variational.VariationalAutoencoder;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Masks of the features that are refused, and what DL4J itself does with them. */
class MaskRefusalsTest {
  /** A case, and what its refusal says. */
  private record Refused(MaskedCase masked, String where, String reason) {
    void check() {
      Nets.inDoublePrecision(
          () ->
              assertThatThrownBy(
                      () -> Dl4jConverter.on(masked.net().get()).like(masked.batch()).convert())
                  .isInstanceOf(UnconvertibleNetworkException.class)
                  .hasMessageContaining(where + ": ")
                  .hasMessageContaining("reach")
                  .hasMessageContaining(reason));
    }

    @Override
    public String toString() {
      return masked.name() + " " + where;
    }
  }

  private static GraphBuilder reshaped(GraphBuilder graph, Layer first, int... shape) {
    return graph
        .addLayer("a", first, "in")
        .addVertex("v", new ReshapeVertex('c', shape, null), "a")
        .addLayer("out", output(15), "v")
        .setOutputs("out");
  }

  static Stream<Refused> failing() {
    String unfit = "does not fit its input";
    return Stream.of(
        new Refused(
            series(
                "steps",
                simple(),
                new DropoutLayer.Builder(1.0).build(),
                pool(PoolingType.SUM),
                output().build()),
            "layer \"1\" (DropoutLayer)",
            unfit),
        new Refused(
            series("cut", new Cropping1D(1, 0), simple(), pool(PoolingType.SUM), output().build()),
            "layer \"1\" (SimpleRnn)",
            unfit),
        new Refused(
            series(
                "padded",
                new ZeroPadding1DLayer(1, 0),
                simple(),
                pool(PoolingType.SUM),
                output().build()),
            "layer \"1\" (SimpleRnn)",
            unfit),
        new Refused(
            series(
                "repeated",
                new Upsampling1D.Builder(2).build(),
                simple(),
                pool(PoolingType.SUM),
                output().build()),
            "layer \"1\" (SimpleRnn)",
            unfit),
        new Refused(
            rows(
                "repeated",
                dense(),
                new RepeatVector.Builder<>(3).build(),
                pool(PoolingType.SUM),
                output().build()),
            "layer \"2\" (GlobalPoolingLayer)",
            unfit),
        new Refused(
            rows(
                "encoder",
                dense(),
                new VariationalAutoencoder.Builder()
                    .nOut(3)
                    .encoderLayerSizes(3)
                    .decoderLayerSizes(3)
                    .build(),
                output().build()),
            "layer \"1\" (VariationalAutoencoder)",
            "DL4J has no masks there"),
        new Refused(
            images(
                "images",
                places(1, 1, 1),
                new DropoutLayer.Builder(1.0).build(),
                pool(PoolingType.SUM),
                output().build()),
            "layer \"0\" (DropoutLayer)",
            unfit),
        new Refused(
            images(
                "rows",
                places(1, 6, 5),
                new ConvolutionLayer.Builder(2, 2).nOut(2).build(),
                output().build()),
            "layer \"1\" (OutputLayer)",
            "of which DL4J makes none for rows"),
        new Refused(
            images(
                "of rows",
                rows(),
                new ConvolutionLayer.Builder(2, 2).nOut(2).build(),
                output().build()),
            "layer \"0\" (ConvolutionLayer)",
            "DL4J asks for [N, 1, H, W]"),
        new Refused(
            graph(
                "stack",
                new INDArray[] {Nets.random(N, F), Nets.random(N, F)},
                new INDArray[] {rows(), null},
                graph ->
                    graph
                        .addVertex("v", new StackVertex(), "in", "other")
                        .addVertex("first", new UnstackVertex(0, 2), "v")
                        .addLayer("out", output(F), "first")
                        .setOutputs("out")),
            "vertex \"v\" (StackVertex)",
            "some of its inputs only"),
        new Refused(
            graph(
                "rows as steps",
                Nets.random(N, F),
                Nets.classes(N, C),
                rows(),
                graph -> reshaped(graph, dense(), -1, 1, 3)),
            "vertex \"v\" (ReshapeVertex)",
            "which DL4J cannot reshape"),
        new Refused(
            graph(
                "steps as rows",
                Nets.random(N, F, T),
                Nets.classes(N, C),
                steps(T),
                graph -> reshaped(graph, simple(), -1, 15)),
            "vertex \"v\" (ReshapeVertex)",
            "which DL4J cannot reshape"),
        new Refused(
            graph(
                "lambda",
                Nets.random(N, F),
                Nets.classes(N, C),
                rows(),
                graph ->
                    graph
                        .addLayer("a", dense(), "in")
                        .addVertex("v", new VerticesTest.Gate(), "a", "a")
                        .addLayer("out", output(3), "v")
                        .setOutputs("out")),
            "vertex \"v\" (Gate)",
            "what it makes of it for those behind it is not known"),
        new Refused(
            new MaskedCase(
                "volumes",
                () ->
                    Nets.sequential(
                        InputType.convolutional3D(NCDHW, 2, 3, 2, 1),
                        new Convolution3D.Builder(1, 2, 1).nOut(2).dataFormat(NCDHW).build(),
                        pool(PoolingType.SUM),
                        output().build()),
                batch(
                    Nets.random(N, 1, 2, 3, 2), Nets.classes(N, C), rows().reshape(N, 1, 1, 1, 1))),
            "layer \"0\" (Convolution3D)",
            "DL4J takes it for one of images"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("failing")
  void whereDeeplearning4jFailsToo(Refused refused) {
    refused.check();
    Nets.inDoublePrecision(
        () -> {
          Model net = refused.masked().net().get();
          assertThatThrownBy(() -> MaskedCase.fit(net, refused.masked().batch()))
              .isInstanceOf(RuntimeException.class);
        });
  }

  /** Hands another mask on than it is given. */
  public static final class Turned extends MasksTest.Shown {
    private static final long serialVersionUID = 1L;

    /** As DL4J wants it. */
    public Turned() {}

    @Override
    public Pair<INDArray, MaskState> feedForwardMaskArray(
        INDArray mask, MaskState state, int minibatch) {
      return new Pair<>(mask.rsub(1), state);
    }
  }

  private static SpaceToBatchLayer blocks() {
    return new SpaceToBatchLayer.Builder<>(new int[] {2, 2}).build();
  }

  static Stream<Refused> senseless() {
    return Stream.of(
        new Refused(
            rows("", dense(), new AutoEncoder.Builder().nOut(3).build(), output().build()),
            "layer \"1\" (AutoEncoder)",
            "DL4J leaves masked rows out of its gradient, but not out of what it answers"),
        new Refused(
            series("", new TimeDistributed(dense()), pool(PoolingType.SUM), output().build()),
            "layer \"0\" (TimeDistributed)",
            "DL4J masks other steps than those that are masked"),
        new Refused(
            images(
                "",
                places(1, 6, 5),
                new Deconvolution2D.Builder(2, 2).nOut(2).build(),
                pool(PoolingType.SUM),
                output().build()),
            "layer \"0\" (Deconvolution2D)",
            "which DL4J shortens along other axes than those of the images"),
        new Refused(
            graph(
                "",
                Nets.random(N, 1, 4, 4),
                Nets.classes(N, C),
                places(1, 1, 1),
                graph ->
                    graph
                        .addLayer("a", blocks(), "in")
                        .addVertex("first", new UnstackVertex(0, 4), "a")
                        .addLayer("pool", pool(PoolingType.SUM), "first")
                        .addLayer("out", output(1), "pool")
                        .setOutputs("out")),
            "layer \"a\" (SpaceToBatchLayer)",
            "DL4J has none for the parts of its samples"),
        new Refused(
            series("", new Turned(), pool(PoolingType.SUM), output().build()),
            "layer \"0\" (Turned)",
            "of which it makes another one by code on arrays"),
        new Refused(
            graph(
                "",
                Nets.random(N, 1, 6, 6),
                Nets.classes(N, C),
                places(1, 6, 6),
                graph ->
                    graph
                        .addLayer(
                            "a", new ConvolutionLayer.Builder(1, 1).nIn(1).nOut(2).build(), "in")
                        .addVertex("v", new PoolHelperVertex(), "a")
                        .addLayer("pool", pool(PoolingType.SUM), "v")
                        .addLayer("out", output(2), "pool")
                        .setOutputs("out")),
            "layer \"pool\" (GlobalPoolingLayer)",
            "does not fit its input"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("senseless")
  void whereDeeplearning4jsMasksMakeNoSense(Refused refused) {
    refused.check();
    Nets.inDoublePrecision(
        () -> {
          Model net = refused.masked().net().get();
          assertThatCode(() -> MaskedCase.fit(net, refused.masked().batch()))
              .doesNotThrowAnyException();
        });
  }

  /** The mask is laid out step by step, what it is applied to sample by sample. */
  @Test
  void stepsOfTimeDistributedLayers() {
    INDArray mask = Nd4j.ones(DataType.DOUBLE, N, T);
    mask.putScalar(0, 1, 0); // the first sample's second step
    Nets.inDoublePrecision(
        () -> {
          MultiLayerNetwork net =
              Nets.sequential(InputType.recurrent(F, T), new TimeDistributed(dense()), softmax());
          net.setLayerMaskArrays(mask, null);
          INDArray answer = net.feedForward(Nets.random(N, F, T), false).get(1);
          assertThat(answer.getDouble(0, 0, 1)).isNotZero();
          assertThat(answer.getDouble(0, 0, N)).isZero();
        });
  }
}
