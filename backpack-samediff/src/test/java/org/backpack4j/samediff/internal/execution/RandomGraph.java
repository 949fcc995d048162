package org.backpack4j.samediff.internal.execution;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.backpack4j.samediff.internal.interpret.ReferenceInterpreter;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Pooling2DConfig;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A graph of ops drawn at random, with the batch axis N first: fully connected, convolutional and
 * shape-shuffling ops, views of views, chains that can run in place, ops that answer in 'f' order,
 * shapes that are computed, and some whose shape depends on numbers.
 */
public final class RandomGraph {
  /** Four features [N, 4]; an image [N, 2, 6, 6]. */
  private static final int FEATURES = 4;

  private final Random random;
  private final DataType type;
  public final SameDiff graph = SameDiff.create();
  public final List<String> names = new ArrayList<>();

  /** What has samples on the first axis that are not those of its inputs. */
  private final Set<String> mixed = new HashSet<>();

  private final List<SDVariable> flat = new ArrayList<>();
  private final List<SDVariable> images = new ArrayList<>();

  public RandomGraph(long seed, DataType type, int ops) {
    this.random = new Random(seed);
    this.type = type;
    flat.add(graph.placeHolder("x", type, -1, FEATURES));
    images.add(graph.placeHolder("image", type, -1, 2, 6, 6));
    for (int i = 0; i < ops; i++) {
      add();
    }
    List<SDVariable> all = new ArrayList<>(flat);
    all.addAll(images);
    for (SDVariable variable : all) {
      if (random.nextInt(3) == 0) {
        names.add(variable.name());
      }
    }
    names.add(all.get(all.size() - 1).name());
    names.add(flat.get(flat.size() - 1).mean(0).name());
  }

  /**
   * The variables that have the samples on their first axis, each sample computed from the same
   * sample of what it depends on, or from values that look at all samples and are in no group
   * themselves.
   */
  public Map<String, ExecutionOptions.Axis> axes() {
    Map<String, ExecutionOptions.Axis> axes = new HashMap<>();
    Map<String, INDArray> five = feeds(5, 1);
    Map<String, INDArray> seven = feeds(7, 1);
    Set<String> all = new HashSet<>(graph.inputs());
    graph.getOps().values().forEach(op -> all.addAll(op.getOutputsOfOp()));
    Map<String, INDArray> some = ReferenceInterpreter.run(graph, five, all);
    Map<String, INDArray> more = ReferenceInterpreter.run(graph, seven, all);
    for (String name : all) {
      boolean moves =
          some.get(name).rank() > 0 && some.get(name).size(0) == 5 && more.get(name).size(0) == 7;
      if (moves && !mixed.contains(name)) {
        axes.put(name, ExecutionOptions.Axis.of(0));
      }
    }
    return axes;
  }

  public Map<String, INDArray> feeds(int samples, long seed) {
    return feeds(samples, seed, true);
  }

  /** Feeds, some of them in 'f' order where that is wanted. */
  public Map<String, INDArray> feeds(int samples, long seed, boolean anyLayout) {
    INDArray x = array(seed, samples, FEATURES);
    INDArray image = array(seed + 1, samples, 2, 6, 6);
    return anyLayout
        ? Map.of("x", x, "image", image)
        : Map.of("x", x.dup('c'), "image", image.dup('c'));
  }

  INDArray array(long seed, long... shape) {
    Random numbers = new Random(seed);
    INDArray array = Nd4j.create(DataType.DOUBLE, shape);
    for (long i = 0; i < array.length(); i++) {
      array.data().put(i, numbers.nextGaussian());
    }
    boolean strange = numbers.nextInt(3) == 0;
    return strange ? array.castTo(type).dup('f') : array.castTo(type);
  }

  private SDVariable parameter(long... shape) {
    return graph.var("p" + graph.variables().size(), array(random.nextLong(), shape).mul(0.4));
  }

  private SDVariable any(List<SDVariable> list) {
    // Recent ones more often, so that chains and early deaths both occur.
    int back = (int) Math.min(list.size() - 1.0, Math.abs(random.nextGaussian()) * 3);
    return list.get(list.size() - 1 - back);
  }

  private void add() {
    if (random.nextInt(3) == 0) {
      images.add(image());
    } else {
      flat.add(features());
    }
  }

  /** Keeps the numbers of long chains within bounds. */
  private SDVariable bounded(SDVariable v) {
    return graph.math().tanh(v);
  }

  private SDVariable features() {
    SDVariable a = any(flat);
    SDVariable b = any(flat);
    switch (random.nextInt(32)) {
      case 0:
        return a.add(b);
      case 1:
        return a.sub(b).mul(0.5);
      case 2:
        return bounded(a.mul(b));
      case 3:
        return a.div(graph.math().abs(b).add(1.0));
      case 4:
        return bounded(a.mmul(parameter(FEATURES, FEATURES)));
      case 5:
        return bounded(graph.nn().linear(a, parameter(FEATURES, FEATURES), parameter(FEATURES)));
      case 6:
        return graph.nn().relu(a, 0);
      case 7:
        return graph.math().exp(graph.math().neg(graph.math().abs(a)));
      case 8:
        return graph.nn().softmax(a, 1);
      case 9:
        return graph.reshape(graph.reshape(a, -1, 2, 2).permute(0, 2, 1), -1, FEATURES);
      case 10:
        {
          SDVariable transposed = graph.reshape(a.permute(1, 0), -1, FEATURES);
          mixed.add(transposed.name());
          return transposed;
        }
      case 11:
        return a.sub(a.mean(true, 0));
      case 12:
        return bounded(a.mul(a.sum(true, 1)));
      case 13:
        return graph.concat(1, slice(a, 0, 2), slice(b, 2, 2));
      case 14:
        return graph.squeeze(graph.expandDims(a, 1), 1);
      case 15:
        return graph.stack(0, a, b).mean(0);
      case 16:
        return graph.unstack(graph.stack(0, a, b), 0, 2)[random.nextInt(2)];
      case 17:
        {
          SDVariable shape = graph.shape(a);
          return graph.reshape(graph.reshape(a, -1), shape);
        }
      case 18:
        return graph.where(a, b, a.gt(b));
      case 19:
        return a.mul(a.gt(0.0).castTo(type));
      case 20:
        return graph.math().square(bounded(a));
      case 21:
        return a.add(parameter(FEATURES));
      case 22:
        return a.rsub(1.0).add(a);
      case 23:
        return graph.math().max(a, b);
      case 24:
        return graph.identity(a);
      case 25:
        return graph.gather(a, graph.constant(Nd4j.createFromArray(new int[] {3, 1, 1, 0})), 1);
      case 26:
        return bounded(a.norm2(true, 1).mul(b));
      case 27:
        return a.mul(graph.reshape(graph.oneHot(a.argmax(1), FEATURES, 0, 1.0, 0.0, type), -1, 4));
      case 28:
        return a.div(graph.sizeAt(a, 0).castTo(type)).add(b);
      case 29:
        return graph
            .reshape(
                graph
                    .nn()
                    .pad(
                        a, graph.constant(Nd4j.createFromArray(new int[][] {{0, 0}, {0, 4}})), 0.0),
                -1,
                2,
                4)
            .sum(1);
      case 30:
        return bounded(graph.sum(graph.reshape(any(images), -1, 4, 18), 2));
      default:
        return graph.tile(graph.reshape(a.sum(1), -1, 1), 1, FEATURES).mul(0.1);
    }
  }

  private SDVariable slice(SDVariable a, int from, int count) {
    return graph.slice(a, new int[] {0, from}, -1, count);
  }

  private SDVariable image() {
    SDVariable a = any(images);
    SDVariable b = any(images);
    switch (random.nextInt(10)) {
      case 0:
        return bounded(
            graph
                .cnn()
                .conv2d(
                    a,
                    graph.var(
                        "p" + graph.variables().size(),
                        array(random.nextLong(), 3, 3, 2, 2).mul(0.3)),
                    Conv2DConfig.builder().kH(3).kW(3).pH(1).pW(1).build()));
      case 1:
        {
          SDVariable pooled =
              graph
                  .cnn()
                  .maxPooling2d(a, Pooling2DConfig.builder().kH(2).kW(2).sH(2).sW(2).build());
          return bounded(
              graph
                  .concat(1, graph.reshape(pooled, -1, 18), graph.reshape(a, -1, 72))
                  .sum(true, 1)
                  .mul(b.mean(true, 1, 2, 3).reshape(-1, 1))
                  .reshape(-1, 1, 1, 1)
                  .add(a));
        }
      case 2:
        return a.add(b);
      case 3:
        return bounded(a.mul(b));
      case 4:
        return graph.nn().relu(a, 0);
      case 5:
        return a.sub(a.mean(true, 2, 3));
      case 6:
        return a.permute(0, 1, 3, 2);
      case 7:
        return graph.reshape(graph.reshape(a, -1, 2, 36), -1, 2, 6, 6);
      case 8:
        return a.mul(graph.reshape(graph.nn().sigmoid(any(flat)).sum(1), -1, 1, 1, 1));
      default:
        return graph.math().max(a, b.mul(0.5));
    }
  }
}
