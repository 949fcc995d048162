package org.backpack4j.dl4j.internal.listen;

import org.backpack4j.dl4j.internal.convert.NetworkBatch;
import org.backpack4j.dl4j.internal.convert.Peculiarities;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.layers.BaseLayer;
import org.deeplearning4j.nn.conf.layers.Cnn3DLossLayer;
import org.deeplearning4j.nn.conf.layers.CnnLossLayer;
import org.deeplearning4j.nn.conf.layers.Convolution3D;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.RnnLossLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.activations.impl.ActivationSoftmax;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.lossfunctions.impl.LossMCXENT;

/** What the labels of a softmax add up to; DL4J's gradient takes it for one, its score doesn't. */
final class LabelSums {
  private static final double SMALL = 1e-4;

  private LabelSums() {}

  /**
   * What a person is told of the labels of the outputs that a parameter's gradient comes from.
   *
   * @return nothing where they add up to one
   */
  static String told(Model net, NetworkBatch batch, String parameter) {
    StringBuilder told = new StringBuilder();
    for (int k : Peculiarities.outputs(net, parameter)) {
      Layer layer = Peculiarities.output(net, k);
      if (Peculiarities.loss(layer) instanceof LossMCXENT loss
          && loss.getWeights() == null
          && layer instanceof BaseLayer base
          && base.getActivationFn() instanceof ActivationSoftmax) {
        told.append(told(batch.labels()[k], mask(batch, k), layer));
      }
    }
    return told.toString();
  }

  private static @Nullable INDArray mask(NetworkBatch batch, int output) {
    @Nullable INDArray @Nullable [] masks = batch.labelMasks();
    return masks == null || masks.length <= output ? null : masks[output];
  }

  private static String told(INDArray labels, @Nullable INDArray mask, Layer layer) {
    INDArray sums = labels.castTo(DataType.DOUBLE).sum(lastAxis(layer) ? labels.rank() - 1 : 1);
    double[] all = sums.dup('c').reshape(sums.length()).toDoubleVector();
    double[] counted =
        mask == null || mask.length() != all.length
            ? null
            : mask.castTo(DataType.DOUBLE).dup('c').reshape(mask.length()).toDoubleVector();
    long off = 0;
    long rows = 0;
    double least = Double.POSITIVE_INFINITY;
    double most = Double.NEGATIVE_INFINITY;
    for (int k = 0; k < all.length; k++) {
      if (counted == null || counted[k] != 0) {
        rows++;
        off += Math.abs(all[k] - 1) > SMALL ? 1 : 0;
        least = Math.min(least, all[k]);
        most = Math.max(most, all[k]);
      }
    }
    return off == 0
        ? ""
        : (" %d of %d rows of labels do not add up to one (%.3g to %.3g), which DL4J's gradient"
                + " behind a softmax takes for granted, and its score does not.")
            .formatted(off, rows, least, most);
  }

  private static boolean lastAxis(Layer layer) {
    return layer instanceof RnnOutputLayer rnn
        ? rnn.getRnnDataFormat() == RNNFormat.NWC
        : layer instanceof RnnLossLayer loss
            ? loss.getRnnDataFormat() == RNNFormat.NWC
            : layer instanceof Cnn3DLossLayer volumes
                ? volumes.getDataFormat() == Convolution3D.DataFormat.NDHWC
                : layer instanceof CnnLossLayer images && images.getFormat() == CNN2DFormat.NHWC;
  }
}
