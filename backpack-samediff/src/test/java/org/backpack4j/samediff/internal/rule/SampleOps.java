package org.backpack4j.samediff.internal.rule;

import static org.backpack4j.samediff.testing.OpCase.random;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.nd4j.autodiff.loss.LossReduce;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.layers.convolution.Pooling2D;
import org.nd4j.linalg.api.ops.impl.layers.convolution.Pooling2D.Pooling2DType;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv1DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv3DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.DeConv2DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.DeConv3DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.LocalResponseNormalizationConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.PaddingMode;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Pooling2DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Pooling3DConfig;
import org.nd4j.linalg.api.ops.impl.loss.SoftmaxCrossEntropyWithLogitsLoss;
import org.nd4j.linalg.api.ops.impl.loss.WeightedCrossEntropyLoss;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.conditions.Conditions;

/** One graph of many ops beside each other, on samples and on parameters. */
final class SampleOps {
  private static final int SAMPLES = 3;

  final SameDiff sd = SameDiff.create();
  final Map<String, INDArray> feeds = new LinkedHashMap<>();
  final Map<String, Integer> sampleAxes = new LinkedHashMap<>();
  final List<String> outputs = new ArrayList<>();

  private final SDVariable x = fed("x", 0, -1, 6);
  private final SDVariable y = fed("y", 0, -1, 6);
  private final SDVariable steps = fed("steps", 0, -1, 4, 6);
  private final SDVariable second = fed("second", 1, 4, -1, 6);
  private final SDVariable p = sd.var("p", random(6));
  private int parameters;

  SampleOps() {
    elementwise();
    normalising();
    products();
    reductions(x, 1);
    reductions(steps, 1);
    reductions(second, 0, 2);
    movements();
    matrices();
    images(true);
    images(false);
    volumes();
    losses();
  }

  private SDVariable fed(String name, int axis, long... shape) {
    long[] own = shape.clone();
    own[axis] = SAMPLES;
    feeds.put(name, random(own));
    if (axis > 0) {
      sampleAxes.put(name, axis);
    }
    return sd.placeHolder(name, DataType.DOUBLE, shape);
  }

  private SDVariable parameter(long... shape) {
    return sd.var("p" + parameters++, random(shape));
  }

  private void add(SDVariable... results) {
    for (SDVariable result : results) {
      outputs.add(result.name());
    }
  }

  private void elementwise() {
    add(x.mul(y), x.div(p.add(2)), p.sub(x), steps.mul(p), sd.max(x, p), x.add(1).mul(2));
    add(sd.math().tanh(second), second.mul(p), second.mul(parameter(4, 1, 1)));
    add(
        sd.math().pow(x.add(1), p.add(1)),
        sd.math().atan2(x, y),
        sd.math().squaredDifference(x, p));
    add(sd.nn().cReLU(x), sd.nn().cReLU(steps), sd.math().clipByValue(x, -0.1, 0.3));
    add(sd.math().clipByNorm(x, 0.7, 1), sd.math().clipByNorm(second, 0.7, 2));
    add(sd.math().mergeAdd(x, y, x), sd.math().mergeAvg(x, y), sd.math().mergeMax(x, y));
    add(sd.replaceWhere(x, y, Conditions.lessThan(0.1)));
    add(sd.where(x, y, x.gt(0.0)), sd.where(steps, steps.mul(2), steps.gt(0.1)));
    add(sd.nn().prelu(x, parameter(1), 1), sd.nn().prelu(steps, parameter(4, 1), 2));
    add(x.castTo(DataType.FLOAT), sd.nn().biasAdd(x, parameter(6), false));
    add(sd.nn().biasAdd(steps, parameter(4), true), sd.nn().biasAdd(second, p, false));
    add(sd.math().cross(sd.reshape(x, -1, 2, 3), sd.reshape(y, -1, 2, 3)));
  }

  private void normalising() {
    add(sd.nn().softmax(x), sd.nn().softmax(second, 0), sd.nn().logSoftmax(steps, 1));
    add(sd.math().standardize(x, 1), sd.math().standardize(second, 0, 2));
    add(sd.nn().layerNorm(x, parameter(6), parameter(6), true, 1));
    SDVariable variance = parameter(6).mul(0.1).add(1);
    add(sd.nn().batchNorm(x, parameter(6), variance, parameter(6), parameter(6), 1e-3, 1));
    SDVariable[] ofBatch = sd.math().moments(x, new int[] {0}, false);
    add(sd.nn().batchNorm(x, ofBatch[0], ofBatch[1], parameter(6), parameter(6), 1e-3, 1));
    add(sd.cumsum(x, true, true, 1), sd.cumsum(second, false, false, 0));
    add(sd.cumprod(x, false, true, 1), sd.cumprod(second, true, false, 2));
  }

  private void products() {
    add(x.mmul(parameter(6, 5)), sd.mmul(parameter(5, 6), x, false, true, false));
    add(sd.mmul(x, parameter(5, 6), false, true, true));
    add(sd.mmul(steps, steps.mul(2), false, true, false));
    add(
        sd.mmul(second, parameter(4, 6, 5)),
        sd.mmul(parameter(4, 5, 6), second, false, true, false));
    add(sd.reshape(steps, -1, 6).mmul(parameter(6, 5)));
    add(sd.tensorMmul(steps, parameter(6, 5), new int[] {2}, new int[] {0}));
    add(sd.mmul(x, y, true, false, false)); // sums over the samples
  }

  private void reductions(SDVariable v, int... axes) {
    add(v.sum(axes), v.mean(true, axes), v.norm2(axes), v.norm1(axes), v.max(axes), v.prod(axes));
    add(sd.variance(v, true, axes), v.std(false, axes), sd.math().logSumExp(v, axes));
    SDVariable[] moments = sd.math().moments(v, axes, false);
    add(moments);
    SDVariable others = v.mul(1.5).add(0.1);
    add(sd.math().cosineSimilarity(v, others, axes), sd.math().euclideanDistance(v, others, axes));
    add(
        v.sum(),
        v.mean(0),
        sd.variance(v, false),
        v.norm2(0, 1),
        v.max(0),
        v.prod(0),
        v.min(0, 1),
        sd.squaredNorm(v, 0));
  }

  private void movements() {
    add(sd.reshape(steps, -1, 24), sd.permute(steps, 2, 0, 1), sd.permute(second, 1, 2, 0));
    add(sd.concat(1, x, y, x.mul(2)), sd.stack(1, x, y, x), sd.stack(0, x, y), sd.tile(x, 1, 2));
    add(sd.concat(0, second, second.mul(2)), sd.reverse(steps, 1), sd.reverse(steps, 1, 2));
    add(sd.unstack(steps, 1, 4)[2], sd.split(steps, 2, 1)[1]);
    add(
        sd.stridedSlice(
            steps,
            new long[] {0, 1, 1},
            new long[] {SAMPLES, 4, 6},
            new long[] {1, 2, 2},
            1,
            1,
            0,
            0,
            0));
    add(sd.gather(x, new int[] {4, 0, 4, 1}, 1), sd.gather(p, new int[] {4, 0, 4, 1}, 0));
    SDVariable rows = sd.math().abs(sd.math().floor(x.mul(3))).castTo(DataType.INT32);
    add(sd.gather(parameter(7, 2, 3), rows, 0), sd.gather(parameter(2, 7, 3), rows, 1));
    feeds.put("lengths", Nd4j.createFromArray(2, 4, 1));
    SDVariable lengths = sd.placeHolder("lengths", DataType.INT32, -1);
    add(sd.reverseSequence(steps, lengths, 1, 0));
    add(
        sd.nn()
            .pad(
                steps, sd.constant(Nd4j.createFromArray(new int[][] {{0, 0}, {1, 2}, {0, 1}})), 0));
    SDVariable segments = sd.constant(Nd4j.createFromArray(0, 0, 1, 2));
    add(sd.segmentMean(second, segments), sd.segmentMax(second, segments));
    add(sd.segmentMin(second, segments), sd.segmentProd(second, segments));
    SDVariable mixed = sd.constant(Nd4j.createFromArray(0, 2, 0, 1));
    add(sd.unsortedSegmentSqrtN(second, mixed, 3), sd.unsortedSegmentSum(second, mixed, 3));
    add(sd.unsortedSegmentProd(second, mixed, 3), sd.unsortedSegmentMax(second, mixed, 3));
  }

  private void matrices() {
    SDVariable square = fed("square", 0, -1, 3, 3);
    add(sd.math().matrixInverse(square), sd.math().matrixDeterminant(square));
    add(sd.math().trace(square), sd.math().trace(steps));
  }

  private static Conv2DConfig conv(boolean first, int dilation) {
    return Conv2DConfig.builder()
        .kH(3)
        .kW(2)
        .sH(2)
        .sW(1)
        .pH(1)
        .dW(dilation)
        .paddingMode(PaddingMode.VALID)
        .dataFormat(first ? "NCHW" : "NHWC")
        .build();
  }

  private void images(boolean first) {
    SDVariable image = first ? fed("nchw", 0, -1, 3, 6, 5) : fed("nhwc", 0, -1, 6, 5, 3);
    add(sd.cnn().conv2d(image, parameter(3, 2, 3, 4), parameter(4), conv(first, 1)));
    add(sd.cnn().conv2d(image, parameter(3, 2, 3, 4), parameter(4), conv(first, 2)));
    add(sd.cnn().depthWiseConv2d(image, parameter(3, 2, 3, 2), parameter(6), conv(first, 1)));
    add(
        sd.cnn()
            .separableConv2d(
                image, parameter(3, 2, 3, 2), parameter(1, 1, 6, 4), parameter(4), conv(first, 1)));
    DeConv2DConfig transposed =
        DeConv2DConfig.builder()
            .kH(3)
            .kW(2)
            .sH(2)
            .sW(1)
            .dataFormat(first ? "NCHW" : "NHWC")
            .build();
    add(sd.cnn().deconv2d(image, parameter(3, 2, 4, 3), parameter(4), transposed));
    for (Pooling2DConfig.Pooling2DConfigBuilder pool :
        List.of(
            Pooling2DConfig.builder().kH(3).kW(2).sH(2).sW(1).pH(1),
            Pooling2DConfig.builder().kH(2).kW(2).sH(1).sW(1).paddingMode(PaddingMode.SAME))) {
      Pooling2DConfig config = pool.isNHWC(!first).build();
      add(sd.cnn().maxPooling2d(image, config), sd.cnn().avgPooling2d(image, config));
    }
    LocalResponseNormalizationConfig lrn =
        LocalResponseNormalizationConfig.builder().alpha(0.1).beta(0.75).bias(1).depth(2).build();
    add(sd.cnn().localResponseNormalization(image, lrn));
    Pooling2DConfig norm =
        Pooling2DConfig.builder().kH(2).kW(2).sH(2).sW(1).extra(3).isNHWC(!first).build();
    norm.setType(Pooling2DType.PNORM);
    add(new Pooling2D(sd, new SDVariable[] {image}, norm).outputVariable());
  }

  private void volumes() {
    SDVariable volume = fed("volume", 0, -1, 2, 4, 3, 3);
    Conv3DConfig three =
        Conv3DConfig.builder()
            .kD(2)
            .kH(2)
            .kW(1)
            .sD(1)
            .sH(1)
            .sW(2)
            .paddingMode(PaddingMode.VALID)
            .dataFormat("NCDHW")
            .build();
    add(sd.cnn().conv3d(volume, parameter(2, 2, 1, 2, 3), parameter(3), three));
    DeConv3DConfig back =
        DeConv3DConfig.builder().kD(2).kH(2).kW(1).sD(1).sH(2).sW(1).dataFormat("NCDHW").build();
    add(sd.cnn().deconv3d(volume, parameter(2, 2, 1, 3, 2), parameter(3), back));
    Pooling3DConfig pool =
        Pooling3DConfig.builder().kD(2).kH(2).kW(2).sD(1).sH(1).sW(1).isNCDHW(true).build();
    add(sd.cnn().maxPooling3d(volume, pool), sd.cnn().avgPooling3d(volume, pool));
    for (String format : List.of("NCW", "NWC")) {
      Conv1DConfig one =
          Conv1DConfig.builder()
              .k(3)
              .s(1)
              .p(1)
              .paddingMode(PaddingMode.VALID)
              .dataFormat(format)
              .build();
      long channels = format.equals("NCW") ? 4 : 6;
      add(sd.cnn().conv1d(steps, parameter(3, channels, 5), parameter(5), one));
    }
  }

  private void losses() {
    SDVariable ones = sd.nn().sigmoid(y);
    SDVariable sizes = sd.nn().sigmoid(parameter(1, 6));
    for (LossReduce reduce : LossReduce.values()) {
      add(sd.loss().meanSquaredError(y, x, sizes, reduce));
      add(sd.loss().sigmoidCrossEntropy(ones, x, sizes, reduce, 0));
      add(sd.loss().softmaxCrossEntropy(ones, x, null, reduce, 0));
      add(sd.loss().meanPairwiseSquaredError(y, x, null, reduce));
      add(sd.loss().cosineDistance(y, x, null, reduce, 1));
      add(sd.loss().huberLoss(y, x, null, reduce, 0.3));
    }
    add(sd.loss().l2Loss(x), sd.loss().sparseSoftmaxCrossEntropy(x, y.argmax(1)));
    add(new SoftmaxCrossEntropyWithLogitsLoss(sd, x, ones, -1).outputVariable());
    add(
        new WeightedCrossEntropyLoss(sd, LossReduce.SUM, ones, x, parameter(6).add(1))
            .outputVariable());
  }
}
