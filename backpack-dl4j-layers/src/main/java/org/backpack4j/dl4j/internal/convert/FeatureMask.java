package org.backpack4j.dl4j.internal.convert;

import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * The features' mask, where a layer or vertex looks at it. DL4J hands a mask on as it is by layers
 * that cut steps off or add some; where it then does not fit, DL4J fails.
 */
public final class FeatureMask {
  private static final String REMEDY = "train without features' masks";

  private FeatureMask() {}

  /**
   * The mask of rows.
   *
   * @param context the layer or vertex
   * @param rows its input, [N, F]
   * @return [N, 1], or null if there is none
   */
  public static @Nullable SDVariable ofRows(ConversionContext context, LayerOutput rows) {
    LayerOutput mask = rows.mask();
    boolean fits =
        mask == null
            || (rows.rank() == 2
                && mask.rank() == 2
                && mask.size(1) == 1
                && mask.steps() == rows.steps());
    return fitting(context, rows, fits);
  }

  /**
   * The mask of a time series' steps.
   *
   * @param context the layer or vertex
   * @param series its input
   * @param steps T
   * @return [N, T], or null if there is none
   */
  public static @Nullable SDVariable ofSteps(
      ConversionContext context, LayerOutput series, long steps) {
    LayerOutput mask = series.mask();
    boolean fits = mask == null || (mask.rank() == 2 && mask.size(1) == steps && mask.steps() == 1);
    return fitting(context, series, fits);
  }

  /**
   * The mask of images' positions.
   *
   * @param context the layer or vertex
   * @param images its input, four axes
   * @return four axes, each as long as the input's or of length one; null if there is none
   */
  public static @Nullable SDVariable ofImages(ConversionContext context, LayerOutput images) {
    LayerOutput mask = images.mask();
    boolean fits = mask == null || (mask.rank() == images.rank() && mask.steps() == images.steps());
    for (int k = 1; mask != null && fits && k < images.rank(); k++) {
      fits = mask.size(k) == 1 || mask.size(k) == images.size(k);
    }
    return fitting(context, images, fits);
  }

  private static @Nullable SDVariable fitting(
      ConversionContext context, LayerOutput x, boolean fits) {
    LayerOutput mask = x.mask();
    if (!fits) {
      throw context.refuse(
          "a mask of the features reaches it, whose shape " + mask + " does not fit its input " + x,
          REMEDY);
    }
    return mask == null ? null : mask.variable();
  }

  /**
   * Refuses any mask.
   *
   * @param context the layer or vertex
   * @param reason what DL4J does with masks here
   */
  public static void refuse(ConversionContext context, String reason) {
    if (context.inputs().stream().anyMatch(v -> v.mask() != null)) {
      throw context.refuse("a mask of the features reaches it, and " + reason, REMEDY);
    }
  }
}
