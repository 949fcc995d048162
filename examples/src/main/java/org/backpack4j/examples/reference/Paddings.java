package org.backpack4j.examples.reference;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Padding by a constant, and by the input's own entries, which is written as slices and
 * concatenation: ND4J's reflecting pad has a wrong gradient.
 */
final class Paddings {

  private Paddings() {}

  static void register(Map<String, Module> table) {
    table.put("pad", c -> pad(c, c.attributes().text("mode", "constant")));
    for (int dimensions = 1; dimensions <= 3; dimensions++) {
      String d = dimensions + "d";
      table.put("zeropad" + d, c -> pad(c, "constant"));
      table.put("constantpad" + d, c -> pad(c, "constant"));
      table.put("reflectionpad" + d, c -> pad(c, "reflect"));
      table.put("replicationpad" + d, c -> pad(c, "replicate"));
      table.put("circularpad" + d, c -> pad(c, "circular"));
    }
  }

  /** PyTorch's order: the last axis first, each its beginning and its end. */
  private static Tensor pad(ModuleContext c, String mode) {
    Tensor x = c.input();
    Optional<long[]> asked = c.attributes().integers("padding", "pad");
    long[] list = asked.orElseThrow(() -> c.unsupported("no padding"));
    long[][] amounts = new long[x.rank()][2];
    for (int i = 0; i < x.rank(); i++) {
      int pair = 2 * (x.rank() - 1 - i);
      if (list.length == 1) {
        amounts[i] = i < 2 ? amounts[i] : new long[] {list[0], list[0]};
      } else if (pair + 1 < list.length) {
        amounts[i] = new long[] {list[pair], list[pair + 1]};
      }
    }
    return pad(x, amounts, mode, c.attributes().number("value", 0));
  }

  /** Pads [before, behind] each axis. Negative amounts cut. */
  static Tensor pad(Tensor x, long[][] amounts, String mode, double value) {
    Tensor result = x;
    long[][] constant = new long[x.rank()][2];
    for (int i = 0; i < x.rank(); i++) {
      long before = amounts[i][0];
      long behind = amounts[i][1];
      result = result.slice(i, Math.max(0, -before), result.size(i) + Math.min(0, behind));
      constant[i] = new long[] {Math.max(0, before), Math.max(0, behind)};
      if (!mode.equals("constant")) {
        result = wrap(result, i, constant[i], mode);
      }
    }
    return mode.equals("constant") ? result.pad(value, constant) : result;
  }

  private static Tensor wrap(Tensor x, int axis, long[] amount, String mode) {
    long length = x.size(axis);
    List<Tensor> parts = new ArrayList<>();
    for (long i = -amount[0]; i < 0; i++) {
      parts.add(entry(x, axis, source(i, length, mode)));
    }
    parts.add(x);
    for (long i = length; i < length + amount[1]; i++) {
      parts.add(entry(x, axis, source(i, length, mode)));
    }
    return Tensor.concat(axis, parts);
  }

  private static Tensor entry(Tensor x, int axis, long index) {
    return x.slice(axis, index, index + 1);
  }

  private static long source(long index, long length, String mode) {
    return switch (mode) {
      case "reflect" -> index < 0 ? -index : 2 * (length - 1) - index;
      case "replicate" -> index < 0 ? 0 : length - 1;
      case "circular" -> Math.floorMod(index, length);
      default -> throw new UnsupportedCaseException("padding mode " + mode);
    };
  }
}
