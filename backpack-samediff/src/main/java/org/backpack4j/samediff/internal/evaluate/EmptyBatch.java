package org.backpack4j.samediff.internal.evaluate;

import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.extension.Variance;
import org.backpack4j.samediff.internal.autodiff.Annotations;
import org.backpack4j.samediff.internal.extend.Outputs;
import org.backpack4j.samediff.internal.interpret.WithoutSamples;
import org.backpack4j.samediff.internal.ir.Node;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Tensor;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Answers a batch without a sample, as Poisson sampling makes them: arrays [0, …] for what there is
 * of each sample, zeros for what is summed over samples, a penalty's own gradient where there is
 * one. Losses that are means over samples have no value there and are refused.
 */
public final class EmptyBatch {
  private final Outputs outputs;
  private final List<Extension> extensions;
  private final Collection<String> losses;
  private final Map<String, Tensor> emitted;
  private final Map<String, Dims> dims = new LinkedHashMap<>();
  private final WithoutSamples values;

  public EmptyBatch(
      SameDiff graph,
      Annotations annotations,
      Outputs outputs,
      List<Extension> extensions,
      Collection<String> losses) {
    this.outputs = outputs;
    this.extensions = extensions;
    this.losses = losses;
    this.emitted = annotations.emit().emitted();
    for (Node node : annotations.nodes()) {
      node.inputs().forEach(name -> dims.put(name, annotations.dims(name)));
      node.outputs().forEach(name -> dims.put(name, annotations.dims(name)));
    }
    emitted.forEach((name, tensor) -> dims.put(name, tensor.dims()));
    this.values =
        new WithoutSamples(
            graph,
            dims::get,
            name -> {
              Tensor tensor = emitted.get(name);
              return tensor != null && annotations.emit().isTotal(tensor);
            });
  }

  /**
   * The variables' values.
   *
   * @return a new array for each name
   * @throws IllegalArgumentException if one is not defined without samples
   */
  public Map<String, INDArray> output(Collection<String> names) {
    Map<String, INDArray> results = new LinkedHashMap<>();
    boolean needsLosses = names.stream().anyMatch(losses::contains);
    for (Map.Entry<String, Map<String, Tensor>> parameter : outputs.byParameter().entrySet()) {
      for (Map.Entry<String, Tensor> quantity : parameter.getValue().entrySet()) {
        String name = Outputs.name(parameter.getKey(), quantity.getKey());
        Tensor value = quantity.getValue();
        if (names.contains(name)) {
          needsLosses |= value.fromSamples();
          if (isVariance(quantity.getKey())) {
            results.put(name, Nd4j.zeros(value.type(), value.dims().toLongs()));
          }
        }
      }
    }
    if (needsLosses) {
      checkLosses();
    }
    Map<String, INDArray> ordered = new LinkedHashMap<>();
    for (String name : names) {
      INDArray known = results.get(name);
      ordered.put(name, known != null ? known : copy(values.value(name)));
    }
    return ordered;
  }

  /**
   * The same into arrays at hand, none of which is changed if one does not fit.
   *
   * @return {@code into}
   */
  public Map<String, INDArray> output(Map<String, INDArray> into) {
    Map<String, INDArray> found = output(into.keySet());
    into.forEach((name, target) -> checkFits(name, target, found.get(name)));
    into.forEach(
        (name, target) -> {
          INDArray value = found.get(name);
          if (value != null && !value.isEmpty()) {
            target.assign(value);
          }
        });
    return into;
  }

  private static void checkFits(String name, INDArray target, @Nullable INDArray value) {
    if (value != null
        && (target.dataType() != value.dataType()
            || !Arrays.equals(target.shape(), value.shape()))) {
      throw new IllegalArgumentException(
          "The array for \""
              + name
              + "\" is "
              + target.dataType()
              + Arrays.toString(target.shape())
              + ", but the variable is "
              + value.dataType()
              + Arrays.toString(value.shape())
              + ".");
    }
  }

  /** There is nothing to divide by; nothing varies. */
  private boolean isVariance(String field) {
    return extensions.stream().anyMatch(e -> e instanceof Variance && e.field().equals(field));
  }

  private static INDArray copy(INDArray array) {
    return array.isEmpty() ? Nd4j.create(array.dataType(), array.shape()) : array.dup('c');
  }

  /** A loss that is a mean has no gradient here, though the rows that it is made of are none. */
  private void checkLosses() {
    for (String loss : losses) {
      @Nullable RuntimeException cause = null;
      try {
        INDArray value = values.value(loss);
        if (value.isEmpty() || Double.isFinite(value.sumNumber().doubleValue())) {
          continue;
        }
      } catch (WithoutSamples.Undefined e) {
        cause = e;
      }
      throw new IllegalArgumentException(
          "The batch has no sample, and the loss \""
              + loss
              + "\" is not a sum over samples, but a mean or the like, which is not defined then"
              + (cause == null ? "" : ": " + cause.getMessage())
              + " Skip the batch, or let the loss sum (LossReduce.SUM) and divide the quantities.",
          cause);
    }
  }
}
