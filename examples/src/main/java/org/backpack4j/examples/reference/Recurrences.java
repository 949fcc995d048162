package org.backpack4j.examples.reference;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Recurrent layers, unrolled. Inputs are [N, T, E], initial states zero; every step is answered.
 */
final class Recurrences {

  private Recurrences() {}

  static void register(Map<String, Module> table) {
    table.put("rnn", c -> layers(c, 1, Recurrences::simple));
    table.put("lstm", c -> layers(c, 4, Recurrences::lstm));
    table.put("gru", c -> layers(c, 3, Recurrences::gru));
  }

  /** One step: from the projections of input and hidden state to the next states. */
  private interface Cell {
    List<Tensor> step(ModuleContext c, Tensor fromInput, Tensor fromHidden, List<Tensor> states);
  }

  private static Tensor layers(ModuleContext c, int gates, Cell cell) {
    if (c.attributes().flag("bidirectional", false)) {
      throw c.unsupported("both directions");
    }
    boolean samplesFirst = c.attributes().flag("batch_first", true);
    Tensor x = samplesFirst ? c.input() : c.input().transpose(0, 1);
    long count = c.attributes().integer("num_layers", 1);
    for (long layer = 0; layer < count; layer++) {
      x = layer(c, x, "_l" + layer, gates, cell);
    }
    return samplesFirst ? x : x.transpose(0, 1);
  }

  private static Tensor layer(ModuleContext c, Tensor x, String suffix, int gates, Cell cell) {
    Tensor projected = Linears.affine(c, x, "weight_ih" + suffix, "bias_ih" + suffix);
    long units = projected.size(2) / gates;
    // One row stands for all samples, however many there are.
    Tensor zero = x.constant(Nd4j.zeros(DataType.DOUBLE, 1, units));
    List<Tensor> states = List.of(zero, zero);
    List<Tensor> outputs = new ArrayList<>();
    for (long t = 0; t < x.size(1); t++) {
      Tensor fromHidden =
          Linears.affine(c, states.get(0), "weight_hh" + suffix, "bias_hh" + suffix);
      states = cell.step(c, projected.select(1, t), fromHidden, states);
      outputs.add(states.get(0).unsqueeze(1));
    }
    return Tensor.concat(1, outputs);
  }

  private static List<Tensor> simple(
      ModuleContext c, Tensor fromInput, Tensor fromHidden, List<Tensor> states) {
    Tensor sum = fromInput.plus(fromHidden);
    Tensor hidden =
        c.attributes().text("nonlinearity", "tanh").equals("relu")
            ? Activations.relu(sum)
            : Activations.tanh(sum);
    return List.of(hidden, hidden);
  }

  private static List<Tensor> lstm(
      ModuleContext c, Tensor fromInput, Tensor fromHidden, List<Tensor> states) {
    List<Tensor> gates = fromInput.plus(fromHidden).split(4, 1);
    Tensor kept = Activations.sigmoid(gates.get(1)).times(states.get(1));
    Tensor added = Activations.sigmoid(gates.get(0)).times(Activations.tanh(gates.get(2)));
    Tensor cell = kept.plus(added);
    Tensor hidden = Activations.sigmoid(gates.get(3)).times(Activations.tanh(cell));
    return List.of(hidden, cell);
  }

  private static List<Tensor> gru(
      ModuleContext c, Tensor fromInput, Tensor fromHidden, List<Tensor> states) {
    List<Tensor> i = fromInput.split(3, 1);
    List<Tensor> h = fromHidden.split(3, 1);
    Tensor reset = Activations.sigmoid(i.get(0).plus(h.get(0)));
    Tensor update = Activations.sigmoid(i.get(1).plus(h.get(1)));
    Tensor fresh = Activations.tanh(i.get(2).plus(reset.times(h.get(2))));
    Tensor hidden = fresh.plus(update.times(states.get(0).minus(fresh)));
    return List.of(hidden, hidden);
  }
}
