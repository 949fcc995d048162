package org.backpack4j.dl4j.laplace;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.backpack4j.dl4j.internal.trained.OpenGraphs;
import org.backpack4j.dl4j.internal.trained.OutputLoss;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.curvature.DampedCurvature;
import org.backpack4j.samediff.curvature.OutputCovariances;
import org.backpack4j.samediff.curvature.ParameterLayout;
import org.backpack4j.samediff.dataset.BatchGraphs.GraphBatch;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.INDArrayIndex;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * The covariances J P⁻¹ Jᵀ of predictions. A batch is worked through a few samples at a time, and
 * block by block of P: the head's from its features, others' from their part of the Jacobian, which
 * alone is as large as samples × predictions × the block's parameters.
 */
final class Variances {
  private final OpenGraphs graphs;
  private final List<DampedCurvature> blocks;
  private final long budget;
  private final Map<ExtendedGraph, Wiring> wirings = new IdentityHashMap<>();

  /** Where in a graph things are. */
  private record Wiring(Likelihood likelihood, @Nullable Head head) {
    static Wiring of(GraphBatch fed) {
      return new Wiring(Likelihood.of(fed.graph()), Head.of(fed.graph(), fed.feeds()).orElse(null));
    }

    /** Whether a block is the head's weight or bias alone, so that features are enough for it. */
    boolean isHead(DampedCurvature block) {
      return isWeight(block) || isBias(block);
    }

    boolean isWeight(DampedCurvature block) {
      return head != null && block.layout().names().equals(List.of(head.weight()));
    }

    boolean isBias(DampedCurvature block) {
      String bias = head == null ? null : head.bias();
      return bias != null && block.layout().names().equals(List.of(bias));
    }

    boolean reads(String parameter) {
      return head != null && (parameter.equals(head.weight()) || parameter.equals(head.bias()));
    }

    INDArray features(Map<String, INDArray> values) {
      return OutputLoss.rows(
          Objects.requireNonNull(values.get(Objects.requireNonNull(head).features())));
    }

    List<String> variables() {
      List<String> names = new ArrayList<>(likelihood.loss().variables());
      if (head != null) {
        names.add(head.features());
      }
      return names;
    }
  }

  /**
   * Covariances.
   *
   * @param graphs graphs with the Jacobian
   * @param blocks the blocks of P
   * @param budget how many bytes parts of the Jacobian and results for a few samples may take
   */
  Variances(OpenGraphs graphs, List<DampedCurvature> blocks, long budget) {
    this.graphs = graphs;
    this.blocks = blocks;
    this.budget = budget;
  }

  /** What is wanted beside the variances. */
  enum Detail {
    NONE,
    ROW_SUMS,
    MATRICES
  }

  /**
   * Predictions of a few samples.
   *
   * @param means f [R, C]
   * @param shape the predictions' own shape
   * @param variances [R, C]
   * @param more [R, C] sums of the covariances' rows, or [R, C, C] the covariances
   * @param likelihood where labels are, in values
   * @param values the values of the likelihood's variables
   */
  record Part(
      long samples,
      INDArray means,
      long[] shape,
      INDArray variances,
      @Nullable INDArray more,
      Likelihood likelihood,
      Map<String, INDArray> values) {}

  /** Hands the parts of a batch on, in order. */
  void each(MultiDataSet batch, Detail detail, Consumer<Part> taker) {
    parts(
        batch,
        detail == Detail.MATRICES ? 3 : 2,
        (from, part) -> taker.accept(of(part, from, detail)));
  }

  private void parts(MultiDataSet batch, int rank, BiConsumer<Long, MultiDataSet> taker) {
    long samples = batch.getFeatures(0).size(0);
    if (samples == 0) {
      throw new IllegalArgumentException("The features have no sample to predict.");
    }
    long at = Math.max(1, Math.min(samples, fitting(batch, rank)));
    for (long from = 0; from < samples; from += at) {
      long to = Math.min(samples, from + at);
      taker.accept(from, to - from == samples ? batch : slice(batch, from, to));
    }
  }

  /** How many samples fit into the budget. */
  private long fitting(MultiDataSet batch, int rank) {
    MultiDataSet one = slice(batch, 0, 1);
    GraphBatch fed = graphs.of(one);
    Wiring wiring = wiring(fed);
    String predictions = wiring.likelihood().loss().predictions();
    INDArray f =
        Objects.requireNonNull(fed.graph().output(fed.feeds(), predictions).get(predictions));
    long largest = 1;
    for (DampedCurvature block : blocks) {
      largest = Math.max(largest, wiring.isHead(block) ? 1 : block.layout().size());
    }
    long classes = f.rank() < 2 ? 1 : f.size(f.rank() - 1);
    long numbers = Math.max(largest, rank == 3 ? classes : 1) + 4;
    return budget / Math.max(1, 4 * Double.BYTES * f.length() * numbers);
  }

  static MultiDataSet slice(MultiDataSet batch, long from, long to) {
    return new org.nd4j.linalg.dataset.MultiDataSet(
        slices(batch.getFeatures(), from, to),
        slices(batch.getLabels(), from, to),
        slices(batch.getFeaturesMaskArrays(), from, to),
        slices(batch.getLabelsMaskArrays(), from, to));
  }

  private static INDArray @Nullable [] slices(INDArray @Nullable [] arrays, long from, long to) {
    if (arrays == null) {
      return null;
    }
    INDArray[] parts = new INDArray[arrays.length];
    for (int k = 0; k < arrays.length; k++) {
      if (arrays[k] != null) {
        INDArrayIndex[] index = NDArrayIndex.allFor(arrays[k]);
        index[0] = NDArrayIndex.interval(from, to);
        parts[k] = arrays[k].get(index).dup();
      }
    }
    return parts;
  }

  private Wiring wiring(GraphBatch fed) {
    return wirings.computeIfAbsent(fed.graph(), graph -> Wiring.of(fed));
  }

  private Part of(MultiDataSet batch, long from, Detail detail) {
    GraphBatch fed = graphs.of(batch);
    Wiring wiring = wiring(fed);
    Map<String, INDArray> values = fed.graph().output(fed.feeds(), wiring.variables());
    INDArray predictions =
        Objects.requireNonNull(values.get(wiring.likelihood().loss().predictions()));
    INDArray f = OutputLoss.rows(predictions);
    long r = f.size(0);
    long c = f.size(1);
    checkFinite(f, from, batch.getFeatures(0).size(0));
    INDArray variances = Nd4j.zeros(DataType.DOUBLE, r, c);
    INDArray more =
        switch (detail) {
          case NONE -> null;
          case ROW_SUMS -> Nd4j.zeros(DataType.DOUBLE, r, c);
          case MATRICES -> Nd4j.zeros(DataType.DOUBLE, r, c, c);
        };
    for (DampedCurvature block : blocks) {
      Optional<OutputCovariances> shortest =
          wiring.isWeight(block)
              ? block.ofOutputs(block.layout().names().get(0), wiring.features(values))
              : Optional.empty();
      if (shortest.isPresent()) {
        OutputCovariances found = shortest.get();
        variances.addi(found.variances());
        if (more != null) {
          more.addi(detail == Detail.MATRICES ? found.matrices() : found.rowSums());
        }
      } else if (wiring.isBias(block)) {
        addBias(block, variances, more, detail);
      } else {
        INDArray jacobian = jacobian(fed, wiring, block.layout(), f.shape(), values);
        addJacobian(block, jacobian, variances, more, detail);
      }
    }
    long samples = batch.getFeatures(0).size(0);
    return new Part(samples, f, predictions.shape(), variances, more, wiring.likelihood(), values);
  }

  private static void checkFinite(INDArray f, long from, long samples) {
    if (Double.isFinite(f.sumNumber().doubleValue())) {
      return;
    }
    long each = f.size(0) / samples;
    for (long r = 0; r < f.size(0); r++) {
      if (!Double.isFinite(f.getRow(r).sumNumber().doubleValue())) {
        throw new IllegalArgumentException(
            "The prediction for sample "
                + (from + r / each)
                + " of the batch is not finite: look for NaN or very large numbers among its"
                + " features.");
      }
    }
  }

  /** The bias adds the same covariance to each row. */
  private static void addBias(
      DampedCurvature block, INDArray variances, @Nullable INDArray more, Detail detail) {
    long c = variances.size(1);
    variances.addiRowVector(block.inverseDiagonal().reshape(1, c));
    if (detail == Detail.ROW_SUMS) {
      Objects.requireNonNull(more)
          .addiRowVector(block.solve(Nd4j.ones(DataType.DOUBLE, 1, c)).reshape(1, c));
    } else if (detail == Detail.MATRICES) {
      INDArray inverse = block.solve(Nd4j.eye(c).castTo(DataType.DOUBLE));
      for (long k = 0; k < variances.size(0); k++) {
        Objects.requireNonNull(more).slice(k).addi(inverse);
      }
    }
  }

  /** The rows [R C, d] of a block's Jacobian. */
  private static INDArray jacobian(
      GraphBatch fed,
      Wiring wiring,
      ParameterLayout layout,
      long[] predictions,
      Map<String, INDArray> values) {
    long r = predictions[0];
    long c = predictions[1];
    Map<String, INDArray> parts = new LinkedHashMap<>();
    List<String> names = new ArrayList<>();
    for (String p : layout.names()) {
      if (wiring.reads(p)) {
        boolean isWeight = p.equals(Objects.requireNonNull(wiring.head()).weight());
        parts.put(p, isWeight ? kronecker(wiring.features(values), c) : units(r, c));
      } else {
        names.add(p + ".jacobian");
      }
    }
    Map<String, INDArray> made =
        names.isEmpty() ? Map.of() : fed.graph().output(fed.feeds(), names);
    made.forEach(
        (name, j) -> {
          String p = name.substring(0, name.length() - ".jacobian".length());
          parts.put(p, j.dup('c'));
        });
    parts.replaceAll((p, j) -> j.reshape('c', with(r * c, layout.shape(p))));
    return layout.joinRows(parts);
  }

  /** φ ⊗ I as rows [R C, I C]. */
  private static INDArray kronecker(INDArray phi, long c) {
    INDArray all = Nd4j.zeros(DataType.DOUBLE, phi.size(0), c, phi.size(1), c);
    for (long k = 0; k < c; k++) {
      all.get(NDArrayIndex.all(), NDArrayIndex.point(k), NDArrayIndex.all(), NDArrayIndex.point(k))
          .assign(phi);
    }
    return all;
  }

  private static INDArray units(long r, long c) {
    INDArray all = Nd4j.zeros(DataType.DOUBLE, r, c, c);
    for (long k = 0; k < c; k++) {
      all.get(NDArrayIndex.all(), NDArrayIndex.point(k), NDArrayIndex.point(k)).assign(1);
    }
    return all;
  }

  private static long[] with(long first, long[] shape) {
    long[] all = new long[shape.length + 1];
    all[0] = first;
    System.arraycopy(shape, 0, all, 1, shape.length);
    return all;
  }

  private static void addJacobian(
      DampedCurvature block,
      INDArray j,
      INDArray variances,
      @Nullable INDArray more,
      Detail detail) {
    long r = variances.size(0);
    long c = variances.size(1);
    long d = block.layout().size();
    INDArray solved = block.solve(j);
    // a product with ones: ND4J's own sum along an axis is slow
    INDArray squares = j.mul(solved).mmul(Nd4j.ones(DataType.DOUBLE, d, 1));
    variances.addi(squares.reshape('c', r, c));
    if (more == null) {
      return;
    }
    INDArray rows = j.reshape('c', r, c, d);
    INDArray solutions = solved.reshape('c', r, c, d);
    for (long k = 0; k < r; k++) {
      INDArray here = rows.slice(k);
      if (detail == Detail.MATRICES) {
        more.slice(k).addi(Nd4j.matmul(here, solutions.slice(k), false, true, false));
      } else {
        INDArray sum = solutions.slice(k).sum(true, 0); // [1, d]
        more.getRow(k).addi(Nd4j.matmul(here, sum, false, true, false).reshape(c));
      }
    }
  }

  /**
   * Logits that are drawn: f + J θ for each of the vectors.
   *
   * @param layout the layout of the vectors
   * @param vectors [S, D], draws of N(0, P⁻¹)
   * @param taker takes each part's logits [R, C] at each vector
   */
  void eachDraw(
      MultiDataSet batch,
      ParameterLayout layout,
      INDArray vectors,
      BiConsumer<Part, INDArray> taker) {
    Map<String, INDArray> split = layout.split(vectors);
    parts(
        batch,
        2,
        (from, slice) -> {
          Part part = of(slice, from, Detail.NONE);
          GraphBatch fed = graphs.of(slice);
          Wiring wiring = wiring(fed);
          long[] shape = part.means().shape();
          List<INDArray> jacobians = new ArrayList<>();
          List<INDArray> directions = new ArrayList<>();
          for (DampedCurvature block : blocks) {
            if (!wiring.isHead(block)) {
              jacobians.add(jacobian(fed, wiring, block.layout(), shape, part.values()));
              directions.add(block.layout().joinRows(split));
            }
          }
          for (long s = 0; s < vectors.size(0); s++) {
            INDArray z = part.means().dup('c');
            for (int k = 0; k < jacobians.size(); k++) {
              INDArray v = directions.get(k).getRow(s, true);
              z.addi(Nd4j.matmul(jacobians.get(k), v, false, true, false).reshape('c', shape));
            }
            for (DampedCurvature block : blocks) {
              INDArray v =
                  Objects.requireNonNull(split.get(block.layout().names().get(0))).slice(s);
              if (wiring.isWeight(block)) {
                z.addi(wiring.features(part.values()).mmul(v));
              } else if (wiring.isBias(block)) {
                z.addiRowVector(v.reshape(1, shape[1]));
              }
            }
            taker.accept(part, z);
          }
        });
  }
}
