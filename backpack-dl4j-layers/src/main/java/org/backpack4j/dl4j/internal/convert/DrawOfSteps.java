package org.backpack4j.dl4j.internal.convert;

import java.util.Objects;
import org.backpack4j.dl4j.spi.DropoutConverter;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.dropout.IDropout;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.deeplearning4j.util.TimeSeriesUtils;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * What a {@code RnnOutputLayer} draws for its dropout. Its backward pass begins with that: DL4J
 * lays its steps out as rows [T·N, F], draws for them, and has forgotten both when it calls
 * listeners. So it is drawn once more, from where ND4J's generator was at the end of the forward
 * pass.
 */
final class DrawOfSteps {
  private DrawOfSteps() {}

  /**
   * Draws.
   *
   * @param dropout what the layer has
   * @param converter its converter
   * @param running the layer
   * @param format the layout of its input
   * @param generator ND4J's generator when the forward pass of all layers before was done
   * @return what was drawn, in the layout of the layer's input
   */
  static <D extends IDropout> INDArray of(
      D dropout,
      DropoutConverter<D> converter,
      Layer running,
      RNNFormat format,
      GeneratorState generator) {
    INDArray input = Objects.requireNonNull(RuntimeLayers.input(running));
    boolean last = format == RNNFormat.NWC;
    INDArray rows = TimeSeriesUtils.reshape3dTo2d(last ? input.permute(0, 2, 1) : input);
    INDArray zeros = Nd4j.create(rows.dataType(), rows.shape(), rows.ordering());
    @SuppressWarnings("unchecked") // a clone is of the same class
    D copy = (D) dropout.clone();
    generator.again(
        () ->
            copy.applyDropout(
                zeros,
                zeros,
                running.getIterationCount(),
                running.getEpochCount(),
                LayerWorkspaceMgr.noWorkspaces()));
    INDArray drawn = converter.adds() ? zeros : Objects.requireNonNull(converter.noise(copy));
    long samples = input.size(0);
    INDArray apart =
        drawn.dup('f').reshape('f', samples, rows.size(0) / samples, rows.size(1)); // [N, T, F]
    return last ? apart : apart.permute(0, 2, 1);
  }
}
