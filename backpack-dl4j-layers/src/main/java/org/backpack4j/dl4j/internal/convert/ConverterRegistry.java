package org.backpack4j.dl4j.internal.convert;

import java.lang.reflect.Modifier;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.backpack4j.dl4j.spi.ActivationConverter;
import org.backpack4j.dl4j.spi.ConverterProvider;
import org.backpack4j.dl4j.spi.Converters;
import org.backpack4j.dl4j.spi.DropoutConverter;
import org.backpack4j.dl4j.spi.LayerConverter;
import org.backpack4j.dl4j.spi.LossConverter;
import org.backpack4j.dl4j.spi.PreprocessorConverter;
import org.backpack4j.dl4j.spi.VertexConverter;
import org.deeplearning4j.nn.conf.InputPreProcessor;
import org.deeplearning4j.nn.conf.dropout.IDropout;
import org.deeplearning4j.nn.conf.graph.GraphVertex;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.lossfunctions.ILossFunction;

/**
 * Who converts what, by the exact class of the configuration, since a subclass may compute
 * something else, unless a person says that it does not. Only an abstract class in a table, as
 * those of SameDiff layers are, stands for its subclasses.
 *
 * @param layers the converters of layers
 * @param vertices the converters of vertices
 * @param preprocessors the converters of preprocessors
 * @param activations the converters of activation functions
 * @param losses the converters of loss functions
 * @param dropouts the converters of what changes inputs at random
 * @param same for a subclass the class whose computation it shares
 */
public record ConverterRegistry(
    Map<Class<?>, LayerConverter<?>> layers,
    Map<Class<?>, VertexConverter<?>> vertices,
    Map<Class<?>, PreprocessorConverter<?>> preprocessors,
    Map<Class<?>, ActivationConverter<?>> activations,
    Map<Class<?>, LossConverter<?>> losses,
    Map<Class<?>, DropoutConverter<?>> dropouts,
    Map<Class<?>, Class<?>> same) {

  /**
   * The same with converters that a person has registered.
   *
   * @param providers register them, the later ones in the place of earlier ones
   * @return a registry of its own; this one stays as it is
   */
  public ConverterRegistry with(Iterable<? extends ConverterProvider> providers) {
    ConverterRegistry own =
        new ConverterRegistry(
            new HashMap<>(layers),
            new HashMap<>(vertices),
            new HashMap<>(preprocessors),
            new HashMap<>(activations),
            new HashMap<>(losses),
            new HashMap<>(dropouts),
            new HashMap<>(same));
    Converters registration = own.new Registration();
    providers.forEach(provider -> provider.register(registration));
    return own;
  }

  /**
   * The class by which a configuration is known.
   *
   * @param conf the configuration
   * @return its class, or that whose computation it shares
   */
  Class<?> kind(Object conf) {
    Class<?> exact = conf.getClass();
    return same.getOrDefault(exact, exact);
  }

  @SuppressWarnings("unchecked") // the tables are filled by methods that hold the types together
  <L extends Layer> @Nullable LayerConverter<L> of(L conf) {
    return (LayerConverter<L>) open(layers, kind(conf));
  }

  @SuppressWarnings("unchecked")
  <V extends GraphVertex> @Nullable VertexConverter<V> of(V conf) {
    return (VertexConverter<V>) open(vertices, kind(conf));
  }

  @SuppressWarnings("unchecked")
  <P extends InputPreProcessor> @Nullable PreprocessorConverter<P> of(P conf) {
    return (PreprocessorConverter<P>) preprocessors.get(kind(conf));
  }

  @SuppressWarnings("unchecked")
  <A extends IActivation> @Nullable ActivationConverter<A> of(A function) {
    return (ActivationConverter<A>) activations.get(kind(function));
  }

  @SuppressWarnings("unchecked")
  <F extends ILossFunction> @Nullable LossConverter<F> of(F loss) {
    return (LossConverter<F>) open(losses, kind(loss));
  }

  @SuppressWarnings("unchecked")
  <D extends IDropout> @Nullable DropoutConverter<D> of(D dropout) {
    return (DropoutConverter<D>) dropouts.get(kind(dropout));
  }

  private static <C> @Nullable C open(Map<Class<?>, C> table, Class<?> exact) {
    C converter = table.get(exact);
    for (Class<?> c = exact.getSuperclass(); converter == null && c != null; ) {
      converter = Modifier.isAbstract(c.getModifiers()) ? table.get(c) : null;
      c = c.getSuperclass();
    }
    return converter;
  }

  /** Fills the tables. */
  private final class Registration implements Converters {
    @Override
    public <L extends Layer> Converters layer(Class<L> conf, LayerConverter<? super L> converter) {
      return put(layers, conf, converter);
    }

    @Override
    public <V extends GraphVertex> Converters vertex(
        Class<V> conf, VertexConverter<? super V> converter) {
      return put(vertices, conf, converter);
    }

    @Override
    public <P extends InputPreProcessor> Converters preprocessor(
        Class<P> conf, PreprocessorConverter<? super P> converter) {
      return put(preprocessors, conf, converter);
    }

    @Override
    public <A extends IActivation> Converters activation(
        Class<A> function, ActivationConverter<? super A> converter) {
      return put(activations, function, converter);
    }

    @Override
    public <F extends ILossFunction> Converters loss(
        Class<F> loss, LossConverter<? super F> converter) {
      return put(losses, loss, converter);
    }

    @Override
    public <D extends IDropout> Converters dropout(
        Class<D> dropout, DropoutConverter<? super D> converter) {
      return put(dropouts, dropout, converter);
    }

    /** What is registered for a class says more of it than that it is the same as another. */
    private <C> Converters put(Map<Class<?>, C> table, Class<?> conf, C converter) {
      table.put(conf, converter);
      same.remove(conf);
      return this;
    }

    @Override
    public <T> Converters sameAs(Class<? extends T> subclass, Class<T> superclass) {
      Class<?> known = same.getOrDefault(superclass, superclass);
      boolean converted =
          Stream.of(layers, vertices, preprocessors, activations, losses, dropouts)
              .anyMatch(table -> open(table, known) != null);
      if (!converted) {
        throw new IllegalArgumentException(
            "sameAs("
                + subclass.getName()
                + ", "
                + superclass.getName()
                + "): the second has no converter. Register one for it first, or name another"
                + " superclass.");
      }
      same.put(subclass, known);
      return this;
    }
  }
}
