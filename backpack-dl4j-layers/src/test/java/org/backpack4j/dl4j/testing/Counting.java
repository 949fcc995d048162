package org.backpack4j.dl4j.testing;

import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.Columns;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.spi.Emitter;
import org.backpack4j.samediff.spi.ParameterVjp;
import org.backpack4j.samediff.spi.Tensor;

/** Counts how often networks are extended: it is asked once for each parameter of a graph. */
public final class Counting implements Extension {
  public final AtomicInteger extended = new AtomicInteger();
  private final boolean fails;

  public Counting() {
    this(false);
  }

  public Counting(boolean fails) {
    this.fails = fails;
  }

  @Override
  public String field() {
    return "counted";
  }

  @Override
  public Columns columns() {
    return Columns.GRADIENT;
  }

  @Override
  public Tensor compute(Emitter emit, List<ParameterVjp> contributions) {
    extended.incrementAndGet();
    if (fails) {
      throw new IllegalArgumentException("the extension's own");
    }
    return new BatchGrad().compute(emit, contributions);
  }
}
