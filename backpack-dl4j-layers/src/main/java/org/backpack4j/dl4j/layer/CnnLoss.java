package org.backpack4j.dl4j.layer;

import org.backpack4j.dl4j.convert.LayerConverter;
import org.backpack4j.dl4j.convert.Obstacles;
import org.backpack4j.dl4j.convert.Site;
import org.backpack4j.dl4j.convert.Value;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.layers.CnnLossLayer;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;

/** {@code CnnLossLayer}: a loss of each pixel of images [N, C, H, W]; the pixels are the rows. */
final class CnnLoss implements LayerConverter<CnnLossLayer> {
  @Override
  public void check(CnnLossLayer conf, Obstacles obstacles) {
    obstacles.loss(conf.getLossFn(), conf.getActivationFn());
    obstacles.activation(conf.getActivationFn());
    obstacles.addIf(
        conf.getFormat() != CNN2DFormat.NCHW,
        "M2.1 takes its score from images with the channels first, whatever the format is",
        "use CNN2DFormat.NCHW");
  }

  @Override
  public Value convert(CnnLossLayer conf, Site site) {
    Value x = Images.input(site, 4);
    SameDiff sd = site.sd();
    long channels = x.size(1);
    Value rows = new Value(rows(sd, x.variable(), channels), -1, channels);
    if (site.output()) {
      if (site.labelMask() != null) {
        throw site.refuse("masks of pixels are not supported", "train without labels' masks");
      }
      SDVariable labels = site.labels(x.shape());
      site.loss(
          conf.getLossFn(),
          conf.getActivationFn(),
          rows,
          rows(sd, labels, channels),
          null,
          x.size(2) * x.size(3));
    }
    Value activated = site.activate(conf.getActivationFn(), rows);
    SDVariable images = sd.reshape(activated.variable(), -1, x.size(2), x.size(3), channels);
    return x.with(sd.permute(images, 0, 3, 1, 2));
  }

  private static SDVariable rows(SameDiff sd, SDVariable images, long channels) {
    return sd.reshape(sd.permute(images, 0, 2, 3, 1), -1, channels);
  }
}
