package org.backpack4j.dl4j.internal.layer;

import java.util.ArrayList;
import java.util.List;
import org.backpack4j.dl4j.spi.ConversionContext;
import org.backpack4j.dl4j.spi.LayerConverter;
import org.backpack4j.dl4j.spi.LayerOutput;
import org.backpack4j.dl4j.spi.Obstacles;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.layers.AbstractLSTM;
import org.deeplearning4j.nn.conf.layers.BaseRecurrentLayer;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.activations.IActivation;

/**
 * {@code LSTM} and {@code GravesLSTM}. With a step's input X [N, F], the results H and cells C [N,
 * units] of the step before, and X W + H R + b cut into four, W [F, 4·units], R [units, 4·units]:
 *
 * <pre>
 * G = act(Z₁)    F = gate(Z₂ + C∘p_f)    I = gate(Z₄ + C∘p_i)    C' = F∘C + I∘G
 * O = gate(Z₃ + C'∘p_o)    H' = O∘act(C')
 * </pre>
 *
 * <p>The peepholes p_f, p_o, p_i of a GravesLSTM are the last three columns of R [units, 4·units +
 * 3]. Where the layer that contains this one has it apply the mask, H' and C' are multiplied by it.
 */
final class LSTMConverter implements LayerConverter<AbstractLSTM> {
  @Override
  public void check(AbstractLSTM conf, Obstacles obstacles) {
    obstacles.activation(conf.getGateActivationFn());
    obstacles.addIf(
        obstacles.drops(conf) && conf.getRnnDataFormat() == RNNFormat.NWC,
        "DL4J lays out its dropout's mask with the features first, whatever the format is",
        "put a DropoutLayer before it, or use the format NCW");
  }

  @Override
  public LayerOutput convert(AbstractLSTM conf, ConversionContext context) {
    Gates gates = new Gates(conf, conf.getGateActivationFn());
    return of(gates, context, context.input(), "W", "RW", "b", context.masking());
  }

  /** What such layers have in common. */
  record Gates(BaseRecurrentLayer conf, IActivation function) {}

  /** One direction of such a layer, its parameters by their keys. */
  static LayerOutput of(
      Gates gates,
      ConversionContext context,
      LayerOutput x,
      String w,
      String r,
      String b,
      boolean masked) {
    BaseRecurrentLayer conf = gates.conf();
    Series series = new Series(context, x, conf.getRnnDataFormat());
    long units = conf.getNOut();
    LayerOutput recurrent = context.parameter(r);
    SDVariable square = recurrent.variable();
    List<SDVariable> peepholes = List.of();
    if (recurrent.size(1) > 4 * units) {
      square = columns(context, recurrent, 0, 4 * units);
      peepholes = new ArrayList<>();
      for (int k = 0; k < 3; k++) {
        SDVariable column = columns(context, recurrent, 4 * units + k, 1);
        peepholes.add(context.sd().reshape(column, 1, units));
      }
    }
    SDVariable projected =
        series
            .rows()
            .variable()
            .mmul(context.parameter(w).variable())
            .add(context.parameter(b).variable());
    Cell cell =
        new Cell(
            context,
            conf.getActivationFn(),
            gates.function(),
            units,
            series.begin("prevAct", units),
            context.initialState("prevMem", units));
    List<SDVariable> inputs = series.steps(projected, 4 * units);
    List<@Nullable SDVariable> masks = series.masks();
    List<SDVariable> steps = new ArrayList<>();
    for (int t = 0; t < inputs.size(); t++) {
      cell.step(inputs.get(t), square, peepholes, masked ? masks.get(t) : null);
      steps.add(cell.results());
    }
    return series.together(steps, units);
  }

  private static SDVariable columns(
      ConversionContext context, LayerOutput matrix, long from, long count) {
    return context
        .sd()
        .slice(
            matrix.variable(),
            new int[] {0, (int) from},
            new int[] {(int) matrix.size(0), (int) count});
  }

  /** The state, which begins with zeros, or with that of the sequence's part before. */
  private static final class Cell {
    private final ConversionContext context;
    private final IActivation activation;
    private final IActivation gate;
    private final long units;
    private @Nullable SDVariable results;
    private @Nullable SDVariable cells;

    Cell(
        ConversionContext context,
        IActivation activation,
        IActivation gate,
        long units,
        @Nullable SDVariable results,
        @Nullable SDVariable cells) {
      this.context = context;
      this.activation = activation;
      this.gate = gate;
      this.units = units;
      this.results = results;
      this.cells = cells;
    }

    SDVariable results() {
      return java.util.Objects.requireNonNull(results);
    }

    void step(
        SDVariable input,
        SDVariable recurrent,
        List<SDVariable> peepholes,
        @Nullable SDVariable mask) {
      SDVariable z = results == null ? input : input.add(results.mmul(recurrent));
      SDVariable[] parts = context.sd().split(z, 4, 1);
      SDVariable candidate = apply(activation, parts[0]);
      SDVariable letIn = apply(gate, peep(parts[3], cells, peepholes, 2));
      SDVariable now = letIn.mul(candidate);
      if (cells != null) {
        SDVariable kept = apply(gate, peep(parts[1], cells, peepholes, 0));
        now = now.add(kept.mul(cells));
      }
      SDVariable shown = apply(gate, peep(parts[2], now, peepholes, 1));
      SDVariable out = shown.mul(apply(activation, now));
      results = mask == null ? out : out.mul(mask);
      cells = mask == null ? now : now.mul(mask);
    }

    private static SDVariable peep(
        SDVariable z, @Nullable SDVariable cells, List<SDVariable> peepholes, int which) {
      return peepholes.isEmpty() || cells == null ? z : z.add(cells.mul(peepholes.get(which)));
    }

    private SDVariable apply(IActivation function, SDVariable z) {
      return context.activate(function, new LayerOutput(z, -1, units)).variable();
    }
  }
}
