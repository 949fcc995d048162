package org.backpack4j.dl4j.internal.dropout;

import java.util.LinkedHashMap;
import java.util.Map;
import org.backpack4j.dl4j.spi.DropoutConverter;
import org.deeplearning4j.nn.conf.dropout.AlphaDropout;
import org.deeplearning4j.nn.conf.dropout.Dropout;
import org.deeplearning4j.nn.conf.dropout.GaussianDropout;
import org.deeplearning4j.nn.conf.dropout.GaussianNoise;
import org.deeplearning4j.nn.conf.dropout.IDropout;
import org.deeplearning4j.nn.conf.dropout.SpatialDropout;

/** Who converts which dropout. */
public final class Dropouts {
  private final Map<Class<?>, DropoutConverter<?>> table = new LinkedHashMap<>();

  private Dropouts() {
    put(AlphaDropout.class, new AlphaDropoutConverter());
    put(Dropout.class, new InvertedDropoutConverter());
    put(GaussianDropout.class, new Gaussian());
    put(GaussianNoise.class, new GaussianNoiseConverter());
    put(SpatialDropout.class, new SpatialDropoutConverter());
  }

  /**
   * The table.
   *
   * @return the converters by the dropout's class
   */
  public static Map<Class<?>, DropoutConverter<?>> table() {
    return Map.copyOf(new Dropouts().table);
  }

  private <D extends IDropout> void put(Class<D> dropout, DropoutConverter<? super D> converter) {
    table.put(dropout, converter);
  }
}
