package org.backpack4j.samediff.internal.extend;

import org.backpack4j.samediff.internal.autodiff.Annotations;
import org.backpack4j.samediff.internal.ir.Normaliser;
import org.backpack4j.samediff.internal.ir.Precision;
import org.backpack4j.samediff.spi.Dim;
import org.backpack4j.samediff.spi.Dims;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.Tensor;
import org.nd4j.linalg.api.buffer.DataType;

/** What the losses divide by, as a value of the graph. */
final class LossDivisor {
  private final Annotations graph;
  private final Emitter emit;
  private final Normaliser normaliser;

  LossDivisor(Annotations graph, Normaliser normaliser) {
    this.graph = graph;
    this.emit = graph.emit();
    this.normaliser = normaliser;
  }

  /** It [1], in double precision. */
  Tensor emit() {
    DataType type = Precision.CANCELLING;
    Dims one = Dims.of(Dim.ONE);
    return switch (normaliser.kind()) {
      case NONE -> emit.literal(1, type, one);
      case SAMPLES -> emit.reshape(emit.sum(emit.onesOverSamples(type), 0, 1), one);
      case SUM -> emit.reshape(total(emit.cast(read(), type)), one);
      case NONZERO -> emit.reshape(total(emit.greater(emit.abs(emit.cast(read(), type)), 0)), one);
    };
  }

  /** The variable that the losses divide by, samples first if it has any. */
  private Tensor read() {
    String variable = normaliser.variable();
    return graph.batchAxis(variable).hasSamples()
        ? graph.samplesFirst(variable)
        : graph.forward(variable);
  }

  private Tensor total(Tensor value) {
    return value.dims().sampleAxis() < 0
        ? emit.sum(value, 0, value.rank())
        : emit.sumOverSamples(emit.sum(value, 1, value.rank()));
  }
}
