package org.backpack4j.examples.reference;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** Ops that move entries and change none. */
final class Shapes {

  private Shapes() {}

  static void register(Map<String, Module> table) {
    table.put("flatten", Shapes::flatten);
    for (String name : new String[] {"reshape", "view"}) {
      table.put(name, Shapes::reshape);
    }
    table.put("unflatten", Shapes::unflatten);
    table.put("permute", Shapes::permute);
    for (String name : new String[] {"transpose", "swapaxes", "swapdims"}) {
      table.put(name, Shapes::transpose);
    }
    table.put("squeeze", Shapes::squeeze);
    table.put("unsqueeze", c -> c.input().unsqueeze((int) c.attributes().integer("dim")));
    for (String name : new String[] {"cat", "concat", "concatenate"}) {
      table.put(name, c -> Tensor.concat(axis(c, 1), c.inputs()));
    }
    table.put("stack", Shapes::stack);
    for (String name : new String[] {"chunk", "split", "unbind"}) {
      table.put(name, Shapes::pieces);
    }
    table.put("slice", Shapes::slice);
    table.put("narrow", Shapes::narrow);
    table.put("select", c -> c.input().select(axis(c, 1), c.attributes().integer("index", 0)));
    table.put("getitem", c -> c.input().select(axis(c, 1), c.attributes().integer("index", 0)));
    table.put("flip", Shapes::flip);
    for (String name : new String[] {"upsample", "upsamplingnearest2d", "interpolate"}) {
      table.put(name, Shapes::upsample);
    }
    table.put("pixelshuffle", Shapes::pixelShuffle);
    table.put("pixelunshuffle", Shapes::pixelUnshuffle);
    table.put("channelshuffle", Shapes::channelShuffle);
  }

  private static int axis(ModuleContext c, int otherwise) {
    return Math.toIntExact(
        c.attributes().integer("dim", c.attributes().integer("axis", otherwise)));
  }

  private static Tensor flatten(ModuleContext c) {
    return c.input()
        .flatten(
            (int) c.attributes().integer("start_dim", 1),
            (int) c.attributes().integer("end_dim", -1));
  }

  /** The shape with the sample axis, or without it. */
  private static Tensor reshape(ModuleContext c) {
    Tensor x = c.input();
    long[] shape =
        c.attributes()
            .integers("shape", "size", "sizes")
            .orElseThrow(() -> c.unsupported("no shape"));
    boolean open = Arrays.stream(shape).anyMatch(length -> length == -1);
    long product = Arrays.stream(shape).filter(length -> length != -1).reduce(1, (a, b) -> a * b);
    if (!open && product != x.length()) {
      long[] full = new long[shape.length + 1];
      full[0] = x.size(0);
      System.arraycopy(shape, 0, full, 1, shape.length);
      return x.reshape(full);
    }
    return x.reshape(shape);
  }

  private static Tensor unflatten(ModuleContext c) {
    Tensor x = c.input();
    int along = x.axis(axis(c, 1));
    long[] sizes =
        c.attributes()
            .integers("unflattened_size", "sizes", "size")
            .orElseThrow(() -> c.unsupported("no sizes"));
    long[] shape = new long[x.rank() - 1 + sizes.length];
    for (int i = 0; i < shape.length; i++) {
      shape[i] =
          i < along
              ? x.size(i)
              : i < along + sizes.length ? sizes[i - along] : x.size(i - sizes.length + 1);
    }
    return x.reshape(shape);
  }

  private static Tensor permute(ModuleContext c) {
    Tensor x = c.input();
    long[] dims =
        c.attributes().integers("dims", "dim", "axes").orElseThrow(() -> c.unsupported("no dims"));
    if (dims.length != x.rank()) {
      throw c.unsupported(dims.length + " axes for " + x);
    }
    return x.permute(Arrays.stream(dims).mapToInt(x::axis).toArray());
  }

  private static Tensor transpose(ModuleContext c) {
    Attributes a = c.attributes();
    return c.input()
        .transpose(
            a.integer("dim0", a.integer("axis0", 1)), a.integer("dim1", a.integer("axis1", 2)));
  }

  private static Tensor squeeze(ModuleContext c) {
    Tensor x = c.input();
    long[] dims = c.attributes().integers("dim").orElse(null);
    long[] shape =
        IntStream.range(0, x.rank())
            .filter(
                i ->
                    x.size(i) != 1
                        || (dims == null
                            ? i == 0
                            : Arrays.stream(dims).noneMatch(dim -> x.axis(dim) == i)))
            .mapToLong(x::size)
            .toArray();
    return x.reshape(shape);
  }

  private static Tensor stack(ModuleContext c) {
    int along = axis(c, 1);
    return Tensor.concat(along, c.inputs().stream().map(part -> part.unsqueeze(along)).toList());
  }

  /** Several results; the node itself stands for the one that its index says. */
  private static Tensor pieces(ModuleContext c) {
    Tensor x = c.input();
    boolean unbind = !c.attributes().has("chunks") && !c.attributes().has("split_size_or_sections");
    boolean sections = c.attributes().has("split_size_or_sections");
    int along = x.axis(axis(c, 1));
    long[] sizes =
        sections
            ? c.attributes().integers("split_size_or_sections").orElseThrow()
            : new long[] {
              unbind
                  ? 1
                  : (x.size(along) + c.attributes().integer("chunks") - 1)
                      / c.attributes().integer("chunks")
            };
    List<Tensor> pieces = new ArrayList<>();
    for (long from = 0; from < x.size(along); ) {
      long size = sizes.length == 1 ? sizes[0] : sizes[pieces.size()];
      long to = Math.min(from + size, x.size(along));
      pieces.add(x.slice(along, from, to));
      from = to;
    }
    for (int i = 0; i < pieces.size(); i++) {
      c.publish(i, pieces.get(i));
    }
    return pieces.get((int) c.attributes().integer("index", 0));
  }

  private static Tensor slice(ModuleContext c) {
    Tensor x = c.input();
    Attributes a = c.attributes();
    int along = x.axis(axis(c, 1));
    long length = x.size(along);
    long start = a.integer("start", 0);
    long end = Math.min(a.integer("end", a.integer("stop", length)), length);
    return x.slice(
        along,
        start < 0 ? start + length : start,
        end < 0 ? end + length : end,
        a.integer("step", 1));
  }

  private static Tensor narrow(ModuleContext c) {
    long start = c.attributes().integer("start", 0);
    return c.input().slice(axis(c, 1), start, start + c.attributes().integer("length"));
  }

  private static Tensor flip(ModuleContext c) {
    Tensor x = c.input();
    int[] axes =
        Arrays.stream(c.attributes().integers("dims", "dim").orElse(new long[] {-1}))
            .mapToInt(x::axis)
            .toArray();
    return x.map(v -> v.getSameDiff().reverse(v, axes));
  }

  /** Each entry as often as the scale says, along each axis behind [N, C]. */
  private static Tensor upsample(ModuleContext c) {
    Tensor x = c.input();
    String mode = c.attributes().text("mode", "nearest");
    if (!mode.equals("nearest")) {
      throw c.unsupported("mode " + mode);
    }
    int dimensions = x.rank() - 2;
    long[] scale = c.attributes().perDimension("scale_factor", dimensions, 0);
    long[] asked = c.attributes().perDimension("size", dimensions, 0);
    long[] parted = new long[2 + 2 * dimensions];
    int[] repeats = new int[2 + 2 * dimensions];
    long[] result = x.shape();
    Arrays.fill(repeats, 1);
    parted[0] = x.size(0);
    parted[1] = x.size(1);
    for (int i = 0; i < dimensions; i++) {
      long length = x.size(i + 2);
      long times = scale[i] > 0 ? scale[i] : asked[i] / length;
      if ((scale[i] == 0 && times * length != asked[i]) || times == 0) {
        throw c.unsupported("a size that is no multiple of the input's");
      }
      parted[2 + 2 * i] = length;
      parted[3 + 2 * i] = 1;
      repeats[3 + 2 * i] = (int) times;
      result[i + 2] = length * times;
    }
    Tensor tiled = x.reshape(parted);
    for (int i = 0; i < dimensions; i++) {
      parted[3 + 2 * i] = repeats[3 + 2 * i];
    }
    return Tensor.batched(c.graph().tile(tiled.variable(), repeats), parted).reshape(result);
  }

  private static Tensor pixelShuffle(ModuleContext c) {
    Tensor x = c.input();
    long r = c.attributes().integer("upscale_factor");
    long channels = x.size(1) / (r * r);
    return x.reshape(x.size(0), channels, r, r, x.size(2), x.size(3))
        .permute(0, 1, 4, 2, 5, 3)
        .reshape(x.size(0), channels, x.size(2) * r, x.size(3) * r);
  }

  private static Tensor pixelUnshuffle(ModuleContext c) {
    Tensor x = c.input();
    long r = c.attributes().integer("downscale_factor");
    return x.reshape(x.size(0), x.size(1), x.size(2) / r, r, x.size(3) / r, r)
        .permute(0, 1, 3, 5, 2, 4)
        .reshape(x.size(0), x.size(1) * r * r, x.size(2) / r, x.size(3) / r);
  }

  private static Tensor channelShuffle(ModuleContext c) {
    Tensor x = c.input();
    long groups = c.attributes().integer("groups");
    return x.reshape(x.size(0), groups, x.size(1) / groups, -1).transpose(1, 2).reshape(x.shape());
  }
}
