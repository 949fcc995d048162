package org.backpack4j.dl4j.internal.listen;

import java.util.Set;
import java.util.function.Predicate;
import org.backpack4j.dl4j.Scale;
import org.backpack4j.dl4j.internal.NetworkConverter;
import org.backpack4j.dl4j.internal.convert.ConverterRegistry;
import org.backpack4j.samediff.extension.Extension;
import org.jspecify.annotations.Nullable;

/**
 * What a person chose for a listener.
 *
 * @param extensions the quantities
 * @param parameters which parameters
 * @param named the parameters named, all of which must exist
 * @param scale the loss' scale
 * @param runningStatistics whether second-order quantities use batch normalisation's running
 *     statistics
 * @param lenient whether to leave out what cannot be had
 * @param gradientTolerance how far the gradient may be from DL4J's; null for what the type allows
 * @param verified how many iterations are compared with brute force
 * @param verifiedEntries how many entries of each quantity
 * @param converters who converts what
 */
public record ListenerSettings(
    Extension[] extensions,
    Predicate<String> parameters,
    Set<String> named,
    Scale scale,
    boolean runningStatistics,
    boolean lenient,
    @Nullable Double gradientTolerance,
    int verified,
    int verifiedEntries,
    ConverterRegistry converters) {

  /**
   * Nothing chosen: all parameters, in the scale of a sum.
   *
   * @param extensions the quantities
   * @return the settings
   */
  public static ListenerSettings of(Extension... extensions) {
    return new ListenerSettings(
        extensions,
        p -> true,
        Set.of(),
        Scale.SUM,
        false,
        false,
        null,
        0,
        0,
        NetworkConverter.converters());
  }
}
