package org.backpack4j.samediff.internal.rewrite;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.backpack4j.samediff.internal.ir.Node;
import org.backpack4j.samediff.spi.Dim;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ops.impl.layers.recurrent.config.LSTMActivations;
import org.nd4j.linalg.api.ops.impl.layers.recurrent.config.LSTMDataFormat;
import org.nd4j.linalg.api.ops.impl.layers.recurrent.config.LSTMDirectionMode;

/**
 * {@code lstmLayer}, written out step by step as M2.1 computes it ({@link LstmStep}). Backwards the
 * last step comes first. Where samples have lengths, steps behind them leave the state as it is,
 * and have zeros in the results; with the one direction backwards the steps of a sample are its
 * last ones, also where those are padding.
 */
final class LstmLayerRewrite {
  /** Inputs that may be missing, in their order. */
  private record Inputs(
      @Nullable SDVariable bias,
      @Nullable SDVariable lengths,
      @Nullable SDVariable results,
      @Nullable SDVariable cells,
      @Nullable SDVariable peepholes) {
    static Inputs of(RewriteSite context) {
      @Nullable SDVariable[] found = new SDVariable[5];
      int next = 3;
      for (int k = 0; k < found.length; k++) {
        if (context.node().bArg(k, false)) {
          found[k] = context.input(next++);
        }
      }
      return new Inputs(found[0], found[1], found[2], found[3], found[4]);
    }
  }

  /** What one direction answers: each step's results in the order of time, and the last state. */
  private record Direction(List<SDVariable> steps, SDVariable results, SDVariable cells) {}

  private final RewriteSite context;
  private final LSTMDirectionMode mode;
  private final Sequence.Format format;
  private final Sequence sequence;
  private final Inputs inputs;
  private final List<SDVariable> present;

  private LstmLayerRewrite(RewriteSite context) {
    this.context = context;
    this.mode = mode(context.node());
    this.format = format(context.node());
    this.sequence = new Sequence(context, context.dims(0), format);
    this.inputs = Inputs.of(context);
    this.present =
        inputs.lengths() == null
            ? List.of()
            : sequence.present(
                inputs.lengths(), mode == LSTMDirectionMode.BWD, context.input(0).dataType());
  }

  /** The node written out; nothing if it is one that cannot be. */
  static List<SDVariable> of(RewriteSite context) {
    boolean written =
        obstacle(context.node()).isEmpty()
            && Sequence.isFixed(context.dims(0), format(context.node()));
    return written ? new LstmLayerRewrite(context).results() : List.of();
  }

  /** Why a node is not written out, as far as its arguments tell. */
  static Optional<String> obstacle(Node node) {
    for (int k = 2; k <= 4; k++) {
      LSTMActivations activation = LstmStep.activation(node, k);
      if (!LstmStep.ACTIVATIONS.contains(activation)) {
        return Optional.of("its activation " + activation + " needs factors that it is not given");
      }
    }
    LSTMDataFormat format = LSTMDataFormat.values()[(int) node.iArg(0, 0)];
    boolean apart = mode(node) == LSTMDirectionMode.BIDIR_EXTRA_DIM;
    return apart && format(node) != Sequence.Format.TIME_SAMPLES_FEATURES
        ? Optional.of("M2.1 does not keep the directions apart in the format " + format)
        : Optional.empty();
  }

  private static LSTMDirectionMode mode(Node node) {
    return LSTMDirectionMode.values()[(int) node.iArg(1, 0)];
  }

  private static Sequence.Format format(Node node) {
    return switch (LSTMDataFormat.values()[(int) node.iArg(0, 0)]) {
      case TNS, T2NS -> Sequence.Format.TIME_SAMPLES_FEATURES;
      case NTS -> Sequence.Format.SAMPLES_TIME_FEATURES;
      case NST -> Sequence.Format.SAMPLES_FEATURES_TIME;
    };
  }

  private List<SDVariable> results() {
    SDVariable x = sequence.samplesFirst(context.input(0));
    if (mode == LSTMDirectionMode.FWD || mode == LSTMDirectionMode.BWD) {
      boolean backwards = mode == LSTMDirectionMode.BWD;
      Direction only = direction("", x, context.input(1), context.input(2), inputs, backwards);
      return chosen(only.steps(), only.results(), only.cells());
    }
    Direction forward = half(0, x);
    Direction backward = half(1, x);
    return chosen(
        both(forward.steps(), backward.steps()),
        stack("last_results", forward.results(), backward.results()),
        stack("last_cells", forward.cells(), backward.cells()));
  }

  private SDVariable stack(String what, SDVariable forward, SDVariable backward) {
    return context.graph().stack(context.name(what), 0, forward, backward);
  }

  /** What the node is asked for. */
  private List<SDVariable> chosen(List<SDVariable> steps, SDVariable results, SDVariable cells) {
    List<SDVariable> chosen = new ArrayList<>();
    if (context.node().bArg(5, true)) {
      chosen.add(sequence.together("sequence", steps));
    }
    if (context.node().bArg(6, false)) {
      chosen.add(results);
    }
    if (context.node().bArg(7, false)) {
      chosen.add(cells);
    }
    return chosen;
  }

  /** The results of both directions for every step: added, or beside each other. */
  private List<SDVariable> both(List<SDVariable> forward, List<SDVariable> backward) {
    List<SDVariable> both = new ArrayList<>();
    for (int t = 0; t < sequence.length(); t++) {
      SDVariable a = forward.get(t);
      SDVariable b = backward.get(t);
      String name = context.name("both/" + t);
      both.add(
          switch (mode) {
            case BIDIR_SUM -> a.add(name, b);
            case BIDIR_CONCAT -> context.graph().concat(name, 1, a, b);
            default -> context.graph().stack(name, 0, a, b);
          });
    }
    return both;
  }

  /** One of two directions, whose parameters and first states are slices of the inputs. */
  private Direction half(int k, SDVariable x) {
    String scope = k == 0 ? "forward/" : "backward/";
    Inputs own =
        new Inputs(
            slice(scope + "bias", inputs.bias(), k),
            inputs.lengths(),
            slice(scope + "first_results", inputs.results(), k),
            slice(scope + "first_cells", inputs.cells(), k),
            slice(scope + "peepholes", inputs.peepholes(), k));
    SDVariable w = context.unstack(scope + "w", context.input(1), 2, 0).get(k);
    SDVariable u = context.unstack(scope + "u", context.input(2), 2, 0).get(k);
    return direction(scope, x, w, u, own, k == 1);
  }

  private @Nullable SDVariable slice(String what, @Nullable SDVariable of, int k) {
    return of == null ? null : context.unstack(what, of, 2, 0).get(k);
  }

  private Direction direction(
      String scope, SDVariable x, SDVariable w, SDVariable u, Inputs own, boolean backwards) {
    Dim features = context.dims(0).get(format.features());
    Dim gates = context.dims(1).get(-1);
    List<SDVariable> projected = sequence.projected(scope, x, features, w, gates, own.bias());
    LstmStep step =
        new LstmStep(
            context,
            u,
            own.peepholes() == null
                ? List.of()
                : context.split(scope + "peephole", own.peepholes(), 3, 0));
    SDVariable[] steps = new SDVariable[sequence.length()];
    SDVariable h = own.results();
    SDVariable c = own.cells();
    for (int k = 0; k < steps.length; k++) {
      int t = backwards ? steps.length - 1 - k : k;
      SDVariable here = present.isEmpty() ? null : present.get(t);
      LstmStep.State state = step.of(scope + t + "/", projected.get(t), h, c, here);
      steps[t] = state.shown();
      h = state.results();
      c = state.cells();
    }
    return new Direction(
        List.of(steps),
        ofSome(scope + "last_results", Objects.requireNonNull(h), own.results()),
        ofSome(scope + "last_cells", Objects.requireNonNull(c), own.cells()));
  }

  /** The last state, which M2.1 takes to be zero, not the first one, where there is no step. */
  private SDVariable ofSome(String what, SDVariable last, @Nullable SDVariable first) {
    if (first == null || present.isEmpty()) {
      return last;
    }
    boolean atTheEnd = mode == LSTMDirectionMode.BWD;
    return last.mul(context.name(what), present.get(atTheEnd ? present.size() - 1 : 0));
  }
}
