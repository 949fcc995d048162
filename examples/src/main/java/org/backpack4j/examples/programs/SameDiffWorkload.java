package org.backpack4j.examples.programs;

import java.util.List;
import org.backpack4j.samediff.SameDiffBackPackListener;
import org.backpack4j.samediff.extension.Extension;
import org.nd4j.autodiff.listeners.Listener;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.TrainingConfig;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.PaddingMode;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Pooling2DConfig;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.weightinit.impl.XavierInitScheme;

/** SameDiff's digits: two convolutions and poolings, a dense layer, trained by {@code fit}. */
final class SameDiffWorkload implements Workload {
  private final SameDiff model = SameDiff.create();
  private final DataSet batch;

  SameDiffWorkload(Data data) {
    SDVariable x = model.placeHolder("x", DataType.FLOAT, -1, 784);
    SDVariable y = model.placeHolder("y", DataType.FLOAT, -1, 10);
    SDVariable image = x.reshape(-1, 1, 28, 28);
    SDVariable first = pooled(image, "c1", 1, 4);
    SDVariable second = pooled(first, "c2", 4, 8);
    SDVariable w = weight("w", 8 * 7 * 7, 10);
    SDVariable z = second.reshape(-1, 8 * 7 * 7).mmul("z", w).add("logits", bias("b", 10));
    model.loss().softmaxCrossEntropy("loss", y, z, null);
    model.setTrainingConfig(
        TrainingConfig.builder()
            .l2(1e-4)
            .updater(new Adam(1e-5))
            .dataSetFeatureMapping("x")
            .dataSetLabelMapping("y")
            .build());
    batch = new DataSet(data.values(32, 784), data.classes(32, 10));
  }

  private SDVariable weight(String name, long... shape) {
    return model.var(name, new XavierInitScheme('c', shape[0], shape[1]), DataType.FLOAT, shape);
  }

  private SDVariable bias(String name, long size) {
    return model.zero(name, DataType.FLOAT, size).convertToVariable();
  }

  private SDVariable pooled(SDVariable input, String name, long in, long out) {
    SDVariable w = weight(name + "_w", 3, 3, in, out);
    SDVariable z =
        model
            .cnn()
            .conv2d(
                input,
                w,
                bias(name + "_b", out),
                Conv2DConfig.builder().kH(3).kW(3).paddingMode(PaddingMode.SAME).build());
    return model
        .cnn()
        .maxPooling2d(
            model.nn().relu(z, 0), Pooling2DConfig.builder().kH(2).kW(2).sH(2).sW(2).build());
  }

  @Override
  public void plainStep() {
    model.fit(batch);
  }

  @Override
  public long parameters() {
    return model.variables().stream()
        .filter(v -> v.getVariableType() == org.nd4j.autodiff.samediff.VariableType.VARIABLE)
        .mapToLong(v -> v.getArr().length())
        .sum();
  }

  @Override
  public Watched watch(Extension... quantities) {
    SameDiffBackPackListener listener = new SameDiffBackPackListener(quantities);
    return new Watched() {
      @Override
      public void step() {
        model.setListeners(List.<Listener>of(listener));
        model.fit(batch);
        model.setListeners(List.<Listener>of());
        listener.latest();
      }

      @Override
      public void close() {
        listener.close();
      }
    };
  }
}
