package org.backpack4j.dl4j.internal.layer;

import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerConverter;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.backpack4j.dl4j.spi.Obstacles;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.layers.objdetect.Yolo2OutputLayer;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.ILossFunction;
import org.nd4j.linalg.lossfunctions.impl.LossL2;
import org.nd4j.linalg.lossfunctions.impl.LossMCXENT;

/**
 * {@code Yolo2OutputLayer}: for each of B boxes in each cell of a grid the channels x, y, w, h,
 * confidence and C classes. A box' centre is (σ(x), σ(y)) within the cell, its size eʷ and eʰ times
 * a prior. In a cell with an object the box that overlaps most with it is responsible for it:
 *
 * <pre>
 * λ_coord Σ_resp ‖centre − label‖² + ‖√size − √label‖² + Σ_resp (IOU − confidence)²
 *   + λ_noObj Σ_others confidence² + Σ_resp loss of the classes
 * </pre>
 *
 * <p>where the overlap IOU, intersection over union, is differentiated, too. Labels [N, 4 + C, H,
 * W] are the corners of the object's box in cells, and its class. Second-order quantities start at
 * the layer's input.
 */
final class Yolo2OutputLayerConverter implements LayerConverter<Yolo2OutputLayer> {
  @Override
  public void check(Yolo2OutputLayer conf, Obstacles obstacles) {
    obstacles.addIf(
        !isPlainL2(conf.getLossPositionScale()),
        "its loss of positions is not supported: " + conf.getLossPositionScale(),
        "use LossL2 without weights, the default");
    ILossFunction classes = conf.getLossClassPredictions();
    boolean entropy = classes instanceof LossMCXENT m && m.getWeights() == null;
    obstacles.addIf(
        !entropy && !isPlainL2(classes),
        "its loss of classes is not supported: " + classes,
        "use LossL2 or LossMCXENT without weights");
  }

  private static boolean isPlainL2(ILossFunction loss) {
    return loss.getClass() == LossL2.class && ((LossL2) loss).getWeights() == null;
  }

  @Override
  public LayerOutput convert(Yolo2OutputLayer conf, ConversionContext context) {
    LayerOutput x = Images.input(context, 4);
    Boxes boxes = new Boxes(conf, context, x);
    if (context.output()) {
      if (context.labelMask() != null) {
        throw context.refuse("DL4J leaves masks of its labels out", "train without labels' masks");
      }
      context.writtenOut(boxes.loss(conf), x.variable());
    }
    return x.with(boxes.activations());
  }

  /** Everything is laid out as [N, boxes, H, W, entries]. */
  private static final class Boxes {
    private final ConversionContext context;
    private final SameDiff sd;
    private final boolean last;
    private final long height;
    private final long width;
    private final int count;
    private final int classes;
    private final SDVariable centre;
    private final SDVariable size;
    private final SDVariable rootOfSize;
    private final SDVariable confidence;
    private final SDVariable scores;

    Boxes(Yolo2OutputLayer conf, ConversionContext context, LayerOutput x) {
      this.context = context;
      sd = context.sd();
      last = conf.getFormat() == CNN2DFormat.NHWC;
      height = x.size(Images.height(conf.getFormat()));
      width = x.size(Images.height(conf.getFormat()) + 1);
      long channels = x.size(Images.channels(conf.getFormat()));
      INDArray priors = conf.getBoundingBoxes();
      count = (int) priors.size(0);
      classes = (int) (channels / count) - 5;
      if (channels != (long) count * (classes + 5) || classes < 1) {
        throw context.refuse(
            "its input has " + channels + " channels for " + count + " boxes",
            "let there be boxes · (5 + classes)");
      }
      SDVariable[] parts = parts(laidOut(x.variable(), count, classes + 5), 2, 2, 1, classes);
      SDVariable prior = context.constant(priors.dup('c').reshape('c', 1, count, 1, 1, 2));
      centre = sd.nn().sigmoid(parts[0]);
      size = sd.math().exp(parts[1]).mul(prior);
      rootOfSize = sd.math().exp(parts[1].mul(0.5)).mul(sd.math().sqrt(prior));
      confidence = sd.nn().sigmoid(parts[2]);
      scores = parts[3];
    }

    /** Images as [N, boxes, H, W, entries]. */
    private SDVariable laidOut(SDVariable images, long boxes, long entries) {
      SDVariable first = last ? sd.permute(images, 0, 3, 1, 2) : images;
      SDVariable apart = sd.reshape(first, -1, boxes, entries, height, width);
      return sd.permute(apart, 0, 1, 3, 4, 2);
    }

    private SDVariable[] parts(SDVariable of, int... sizes) {
      return sd.splitV(of, sd.constant(Nd4j.createFromArray(sizes)), sizes.length, 4);
    }

    /** What DL4J answers: images of the input's layout. */
    SDVariable activations() {
      SDVariable all = sd.concat(4, centre, size, confidence, sd.nn().softmax(scores, 4));
      SDVariable apart = sd.permute(all, 0, 1, 4, 2, 3);
      SDVariable first = sd.reshape(apart, -1, count * (classes + 5L), height, width);
      return last ? sd.permute(first, 0, 2, 3, 1) : first;
    }

    /** A term for each sample. */
    SDVariable loss(Yolo2OutputLayer conf) {
      long entries = classes + 4L;
      SDVariable labels =
          last
              ? context.labels(-1, height, width, entries)
              : context.labels(-1, entries, height, width);
      SDVariable[] parts = parts(laidOut(labels, 1, entries), 2, 2, classes);
      SDVariable begin = parts[0];
      SDVariable end = parts[1];
      SDVariable object = number(parts[2].sum(true, 4).neq(0));
      SDVariable overlap = overlap(begin, end, object);
      SDVariable responsible = responsible(overlap).mul(object);
      SDVariable middle = begin.add(end).mul(0.5);
      SDVariable place = squares(centre.sub(middle.sub(sd.math().floor(middle))));
      SDVariable extent = squares(rootOfSize.sub(sd.math().sqrt(end.sub(begin))));
      SDVariable seen = squares(confidence.sub(overlap));
      SDVariable unseen = squares(confidence).mul(responsible.rsub(1)).mul(conf.getLambdaNoObj());
      SDVariable kind =
          conf.getLossClassPredictions() instanceof LossL2
              ? squares(sd.nn().softmax(scores, 4).sub(parts[2]))
              : entropy(parts[2]);
      SDVariable here = place.add(extent).mul(conf.getLambdaCoord()).add(seen).add(kind);
      SDVariable terms = here.mul(responsible).add(unseen);
      return sd.reshape(terms, -1, count * height * width).sum(1);
    }

    private SDVariable squares(SDVariable of) {
      return of.mul(of).sum(true, 4);
    }

    /** −Σ y log softmax. */
    private SDVariable entropy(SDVariable labels) {
      SDVariable all = sd.math().logSumExp(scores, 4);
      SDVariable norm = sd.reshape(all, -1, count, height, width, 1);
      return norm.sub(scores).mul(labels).sum(true, 4);
    }

    /** 1 for the box of each cell that overlaps most, the first of several: not differentiated. */
    private SDVariable responsible(SDVariable overlap) {
      SDVariable flat = sd.reshape(overlap, -1, count, height, width);
      SDVariable chosen = sd.oneHot(sd.argmax(flat, 1), count, -1, 1, 0, context.type());
      return sd.reshape(sd.permute(chosen, 0, 3, 1, 2), -1, count, height, width, 1);
    }

    /** Intersection over union with the labels' boxes; 0 where there is no object. */
    private SDVariable overlap(SDVariable begin, SDVariable end, SDVariable object) {
      SDVariable place = centre.add(context.constant(cells()));
      SDVariable half = size.mul(0.5);
      SDVariable from = place.sub(half);
      SDVariable to = place.add(half);
      SDVariable meet = product(number(to.gt(begin)).mul(number(from.lt(end)))).mul(object);
      // min(to, end) − max(from, begin): of max and min M2.1 has wrong gradients where it
      // broadcasts
      SDVariable before = end.sub(positive(end.sub(to)));
      SDVariable behind = begin.add(positive(from.sub(begin)));
      SDVariable common = product(before.sub(behind)).mul(meet);
      SDVariable union = product(size).add(product(end.sub(begin))).sub(common);
      // where they do not meet, 0/1
      return common.div(union.mul(meet).add(meet.rsub(1)));
    }

    /** The product of the two entries. */
    private SDVariable product(SDVariable pair) {
      SDVariable[] both = sd.split(pair, 2, 4);
      return both[0].mul(both[1]);
    }

    private SDVariable positive(SDVariable of) {
      return sd.nn().relu(of, 0);
    }

    private SDVariable number(SDVariable truth) {
      return truth.castTo(context.type());
    }

    /** [1, 1, H, W, 2]: the column and the row of each cell. */
    private INDArray cells() {
      INDArray cells = Nd4j.zeros(context.type(), 1, 1, height, width, 2);
      for (long row = 0; row < height; row++) {
        for (long column = 0; column < width; column++) {
          cells.putScalar(new long[] {0, 0, row, column, 0}, (double) column);
          cells.putScalar(new long[] {0, 0, row, column, 1}, (double) row);
        }
      }
      return cells;
    }
  }
}
