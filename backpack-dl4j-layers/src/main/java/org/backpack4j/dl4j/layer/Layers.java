package org.backpack4j.dl4j.layer;

import java.util.LinkedHashMap;
import java.util.Map;
import org.backpack4j.dl4j.convert.LayerConverter;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.Convolution2D;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.DropoutLayer;
import org.deeplearning4j.nn.conf.layers.GravesLSTM;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.Pooling2D;
import org.deeplearning4j.nn.conf.layers.RnnLossLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.conf.layers.recurrent.LastTimeStep;
import org.deeplearning4j.nn.conf.layers.recurrent.SimpleRnn;
import org.deeplearning4j.nn.conf.layers.recurrent.TimeDistributed;
import org.deeplearning4j.nn.conf.layers.util.MaskZeroLayer;

/** Who converts which layer. */
public final class Layers {
  private final Map<Class<?>, LayerConverter<?>> table = new LinkedHashMap<>();

  private Layers() {
    put(ActivationLayer.class, new Activated());
    put(BatchNormalization.class, new BatchNorm());
    put(Bidirectional.class, new TwoDirections());
    put(Convolution2D.class, new Convolution());
    put(ConvolutionLayer.class, new Convolution());
    put(DenseLayer.class, new Dense());
    put(DropoutLayer.class, (conf, site) -> site.input());
    put(GravesLSTM.class, new Lstm());
    put(LSTM.class, new Lstm());
    put(LastTimeStep.class, new LastStep());
    put(LossLayer.class, new LossAlone());
    put(MaskZeroLayer.class, new SkippedValues());
    put(OutputLayer.class, new Output());
    put(Pooling2D.class, new Subsampling());
    put(RnnLossLayer.class, new SeriesLoss());
    put(RnnOutputLayer.class, new SeriesOutput());
    put(SimpleRnn.class, new SimpleRecurrent());
    put(SubsamplingLayer.class, new Subsampling());
    put(TimeDistributed.class, new EachStep());
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
