package org.backpack4j.dl4j.spi;

/**
 * Registers converters of a person's own. It is given to the call, as in {@link
 * org.backpack4j.dl4j.BackPackListener#converters}, or found by {@link java.util.ServiceLoader} in
 * every call, if a file {@code META-INF/services/org.backpack4j.dl4j.spi.ConverterProvider} names
 * its class. What a call is given comes after what is found, and so takes its place.
 */
@FunctionalInterface
public interface ConverterProvider {
  /**
   * Registers them.
   *
   * @param converters where to
   */
  void register(Converters converters);
}
