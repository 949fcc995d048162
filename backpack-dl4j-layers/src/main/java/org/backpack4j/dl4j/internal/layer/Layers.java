package org.backpack4j.dl4j.internal.layer;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.backpack4j.dl4j.spi.LayerConverter;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.AutoEncoder;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.CenterLossOutputLayer;
import org.deeplearning4j.nn.conf.layers.Cnn3DLossLayer;
import org.deeplearning4j.nn.conf.layers.CnnLossLayer;
import org.deeplearning4j.nn.conf.layers.Convolution1D;
import org.deeplearning4j.nn.conf.layers.Convolution1DLayer;
import org.deeplearning4j.nn.conf.layers.Convolution2D;
import org.deeplearning4j.nn.conf.layers.Convolution3D;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.Deconvolution2D;
import org.deeplearning4j.nn.conf.layers.Deconvolution3D;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.DepthwiseConvolution2D;
import org.deeplearning4j.nn.conf.layers.DropoutLayer;
import org.deeplearning4j.nn.conf.layers.EmbeddingLayer;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.GravesBidirectionalLSTM;
import org.deeplearning4j.nn.conf.layers.GravesLSTM;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.LearnedSelfAttentionLayer;
import org.deeplearning4j.nn.conf.layers.LocalResponseNormalization;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.PReLULayer;
import org.deeplearning4j.nn.conf.layers.Pooling1D;
import org.deeplearning4j.nn.conf.layers.Pooling2D;
import org.deeplearning4j.nn.conf.layers.RecurrentAttentionLayer;
import org.deeplearning4j.nn.conf.layers.RnnLossLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.SelfAttentionLayer;
import org.deeplearning4j.nn.conf.layers.SeparableConvolution2D;
import org.deeplearning4j.nn.conf.layers.SpaceToBatchLayer;
import org.deeplearning4j.nn.conf.layers.SpaceToDepthLayer;
import org.deeplearning4j.nn.conf.layers.Subsampling1DLayer;
import org.deeplearning4j.nn.conf.layers.Subsampling3DLayer;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.conf.layers.Upsampling1D;
import org.deeplearning4j.nn.conf.layers.Upsampling2D;
import org.deeplearning4j.nn.conf.layers.Upsampling3D;
import org.deeplearning4j.nn.conf.layers.ZeroPadding1DLayer;
import org.deeplearning4j.nn.conf.layers.ZeroPadding3DLayer;
import org.deeplearning4j.nn.conf.layers.ZeroPaddingLayer;
import org.deeplearning4j.nn.conf.layers.convolutional.Cropping1D;
import org.deeplearning4j.nn.conf.layers.convolutional.Cropping2D;
import org.deeplearning4j.nn.conf.layers.convolutional.Cropping3D;
import org.deeplearning4j.nn.conf.layers.misc.ElementWiseMultiplicationLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayerWithBackprop;
import org.deeplearning4j.nn.conf.layers.misc.RepeatVector;
import org.deeplearning4j.nn.conf.layers.objdetect.Yolo2OutputLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.conf.layers.recurrent.LastTimeStep;
import org.deeplearning4j.nn.conf.layers.recurrent.SimpleRnn;
import org.deeplearning4j.nn.conf.layers.recurrent.TimeDistributed;
import org.deeplearning4j.nn.conf.layers.samediff.SameDiffLayer;
import org.deeplearning4j.nn.conf.layers.samediff.SameDiffOutputLayer;
import org.deeplearning4j.nn.conf.layers.util.MaskLayer;
import org.deeplearning4j.nn.conf.layers.util.MaskZeroLayer;
import org.deeplearning4j.nn.conf.layers.variational.VariationalAutoencoder;
import org.deeplearning4j.nn.conf.ocnn.OCNNOutputLayer;

/** Who converts which layer. */
public final class Layers {
  private final Map<Class<?>, LayerConverter<?>> table = new LinkedHashMap<>();

  @SuppressWarnings("deprecation") // GravesLSTM is, and people have it
  private Layers() {
    put(ActivationLayer.class, new ActivationLayerConverter());
    put(
        AutoEncoder.class,
        new Unmasked<>(
            (conf, context) ->
                context.activate(conf.getActivationFn(), Rows.affine(context, context.input())),
            "DL4J leaves masked rows out of its gradient, but not out of what it answers"));
    put(BatchNormalization.class, new BatchNormalizationConverter());
    put(Bidirectional.class, new BidirectionalConverter());
    put(CenterLossOutputLayer.class, new CenterLossOutputLayerConverter());
    put(Cnn3DLossLayer.class, new Cnn3DLossLayerConverter());
    put(CnnLossLayer.class, new CnnLossLayerConverter());
    put(Convolution1D.class, new Convolution1DConverter());
    put(Convolution1DLayer.class, new Convolution1DConverter());
    put(Convolution2D.class, new ConvolutionLayerConverter());
    put(
        Convolution3D.class,
        new Unmasked<>(Volumes::convolution, "DL4J takes it for one of images"));
    put(ConvolutionLayer.class, new ConvolutionLayerConverter());
    put(Cropping1D.class, (conf, context) -> Borders.crop(context, conf.getCropping(), 2));
    put(
        Cropping2D.class,
        (conf, context) ->
            Borders.crop(context, conf.getCropping(), Images.height(conf.getDataFormat())));
    put(Cropping3D.class, (conf, context) -> Borders.crop(context, conf.getCropping(), 2));
    put(Deconvolution2D.class, new DeconvolutionConverter());
    put(Deconvolution3D.class, Volumes::deconvolution);
    put(DenseLayer.class, new DenseLayerConverter());
    put(DepthwiseConvolution2D.class, new DepthwiseConvolution2DConverter());
    put(DropoutLayer.class, new DropoutLayerConverter());
    put(ElementWiseMultiplicationLayer.class, Rows::scaled);
    put(EmbeddingLayer.class, new EmbeddingLayerConverter());
    put(EmbeddingSequenceLayer.class, new EmbeddingSequenceLayerConverter());
    put(FrozenLayer.class, new FrozenLayerConverter());
    put(FrozenLayerWithBackprop.class, new FrozenLayerWithBackpropConverter());
    put(GlobalPoolingLayer.class, new GlobalPoolingLayerConverter());
    put(GravesBidirectionalLSTM.class, new GravesBidirectionalLSTMConverter());
    put(GravesLSTM.class, new LSTMConverter());
    put(LSTM.class, new LSTMConverter());
    put(LastTimeStep.class, new LastTimeStepConverter());
    put(
        LearnedSelfAttentionLayer.class,
        new RefusedLayer(
            "DL4J 1.0.0-M2.1 itself fails on this layer (scatter_update of a shape)",
            "use a SelfAttentionLayer"));
    put(LocalResponseNormalization.class, new LocalResponseNormalizationConverter());
    put(LossLayer.class, new LossLayerConverter());
    put(MaskLayer.class, new MaskLayerConverter());
    put(MaskZeroLayer.class, new MaskZeroLayerConverter());
    put(
        OCNNOutputLayer.class,
        new RefusedLayer(
            "DL4J changes its parameter r between epochs by a window over samples of earlier"
                + " batches, and its gradient is not that of its score",
            "write it as a SameDiffOutputLayer"));
    put(OutputLayer.class, new OutputLayerConverter());
    put(PReLULayer.class, new PReLULayerConverter());
    put(Pooling1D.class, new Subsampling1DLayerConverter());
    put(Pooling2D.class, new SubsamplingLayerConverter());
    put(RecurrentAttentionLayer.class, new RecurrentAttentionLayerConverter());
    put(RepeatVector.class, new RepeatVectorConverter());
    put(RnnLossLayer.class, new RnnLossLayerConverter());
    put(RnnOutputLayer.class, new RnnOutputLayerConverter());
    put(SameDiffLayer.class, new SameDiffLayerConverter());
    put(SameDiffOutputLayer.class, new SameDiffOutputLayerConverter());
    put(SelfAttentionLayer.class, new SelfAttentionLayerConverter());
    put(SeparableConvolution2D.class, new SeparableConvolution2DConverter());
    put(SimpleRnn.class, new SimpleRnnConverter());
    put(
        SpaceToBatchLayer.class,
        new Unmasked<>(
            new SpaceToBatchLayerConverter(), "DL4J has none for the parts of its samples"));
    put(SpaceToDepthLayer.class, new SpaceToDepthLayerConverter());
    put(Subsampling1DLayer.class, new Subsampling1DLayerConverter());
    put(Subsampling3DLayer.class, Volumes::pooling);
    put(SubsamplingLayer.class, new SubsamplingLayerConverter());
    put(
        TimeDistributed.class,
        new Unmasked<>(
            new TimeDistributedConverter(), "DL4J masks other steps than those that are masked"));
    put(
        Upsampling1D.class,
        (conf, context) -> UpsamplingConverter.repeat(context, first(conf.getSize(), 1), 2));
    put(
        Upsampling2D.class,
        (conf, context) ->
            UpsamplingConverter.repeat(context, conf.getSize(), Images.height(conf.getFormat())));
    put(
        Upsampling3D.class,
        (conf, context) ->
            UpsamplingConverter.repeat(
                context, conf.getSize(), Images.depth(conf.getDataFormat())));
    put(VariationalAutoencoder.class, new Unmasked<>(new Encoder(), "DL4J has no masks there"));
    put(Yolo2OutputLayer.class, new Yolo2OutputLayerConverter());
    put(ZeroPadding1DLayer.class, (conf, context) -> Borders.pad(context, conf.getPadding(), 2));
    put(ZeroPadding3DLayer.class, (conf, context) -> Borders.pad(context, conf.getPadding(), 2));
    put(
        ZeroPaddingLayer.class,
        (conf, context) ->
            Borders.pad(context, conf.getPadding(), Images.height(conf.getDataFormat())));
  }

  private static int[] first(int[] of, int count) {
    return Arrays.copyOf(of, count);
  }

  /**
   * The table.
   *
   * @return the converters by the class of the layer's configuration
   */
  public static Map<Class<?>, LayerConverter<?>> table() {
    return Map.copyOf(new Layers().table);
  }

  private <L extends Layer> void put(Class<L> layer, LayerConverter<? super L> converter) {
    table.put(layer, converter);
  }
}
