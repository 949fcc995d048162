package org.backpack4j.samediff.dataset;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.backpack4j.samediff.testing.ArrayAssert.assertClose;

import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.BatchL2Grad;
import org.backpack4j.samediff.extension.DiagGGNExact;
import org.backpack4j.samediff.extension.KFAC;
import org.backpack4j.samediff.extension.SqrtGGNExact;
import org.backpack4j.samediff.extension.SumGradSquared;
import org.backpack4j.samediff.testing.Graphs;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.TrainingConfig;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.adapter.MultiDataSetIteratorAdapter;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.dataset.api.iterator.TestDataSetIterator;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.config.Sgd;

/** Iterators, rows, bad input, memory. */
class BatchesTest {
  @TempDir Path directory;

  private static Map<String, INDArray> all(int samples) {
    Nd4j.getRandom().setSeed(31);
    return Graphs.feeds(samples);
  }

  private static List<Map<String, INDArray>> cut(Map<String, INDArray> all, int... sizes) {
    List<Map<String, INDArray>> batches = new ArrayList<>();
    int from = 0;
    for (int size : sizes) {
      Map<String, INDArray> batch = new HashMap<>();
      int start = from;
      all.forEach(
          (name, array) ->
              batch.put(
                  name,
                  array.get(NDArrayIndex.interval(start, start + size), NDArrayIndex.all()).dup()));
      batches.add(batch);
      from += size;
    }
    return batches;
  }

  @Test
  void iteratorsOfDataSetsAreMappedAsInTraining() {
    SameDiff sd = Graphs.perceptron();
    Map<String, INDArray> all = all(13);
    DataSetIterator iterator = new TestDataSetIterator(new DataSet(all.get("x"), all.get("y")), 5);
    try (ExtendedGraph graph = BackPack.extend(sd, new DiagGGNExact(), new KFAC())) {
      assertThatThrownBy(() -> DataSetQuantities.of(graph).over(iterator))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("no training configuration");
      sd.setTrainingConfig(
          TrainingConfig.builder()
              .updater(new Sgd(0.1))
              .dataSetFeatureMapping("x")
              .dataSetLabelMapping("y")
              .build());
      DataSetResults results = DataSetQuantities.of(graph).over(iterator);
      DataSetResults again =
          DataSetQuantities.of(graph).over(new MultiDataSetIteratorAdapter(iterator));
      assertThat(results.samples()).isEqualTo(13);
      assertThat(results.normaliser()).isEqualTo(13);
      INDArray expected = graph.output(all, "w.diag_ggn_exact").get("w.diag_ggn_exact");
      assertClose(results.quantities().get("w", DiagGGNExact.class), expected);
      assertClose(again.quantities().get("w", DiagGGNExact.class), expected);
    }
  }

  // ---- rows ----

  private record Npy(String header, double[] entries) {
    static Npy read(File file) throws IOException {
      ByteBuffer bytes =
          ByteBuffer.wrap(Files.readAllBytes(file.toPath())).order(ByteOrder.LITTLE_ENDIAN);
      bytes.position(8);
      byte[] header = new byte[bytes.getShort()];
      bytes.get(header);
      String text = new String(header, StandardCharsets.US_ASCII);
      boolean exact = text.contains("'<f8'");
      double[] entries = new double[bytes.remaining() / (exact ? 8 : 4)];
      for (int k = 0; k < entries.length; k++) {
        entries[k] = exact ? bytes.getDouble() : bytes.getFloat();
      }
      return new Npy(text.strip(), entries);
    }
  }

  @Test
  void rowsAreWrittenInTheScaleOfTheWholeDataSet() throws IOException {
    Map<String, INDArray> all = all(11);
    try (ExtendedGraph graph =
            BackPack.extend(
                Graphs.perceptron(), new BatchGrad(), new BatchL2Grad(), new SqrtGGNExact());
        NpyFiles files = NpyFiles.in(directory)) {
      Map<String, INDArray> expected = graph.evaluate(all).outputs();
      DataSetQuantities quantities = DataSetQuantities.of(graph).rows(files);
      assertThatThrownBy(() -> quantities.over(cut(all, 4, 1, 6).iterator()))
          .hasMessageContaining("say how many by samples(…)");
      DataSetResults results = quantities.samples(11).over(cut(all, 4, 1, 6).iterator());
      assertThat(results.quantities().outputs()).containsOnlyKeys("w.grad", "b.grad", "v.grad");
      Npy gradients = Npy.read(files.file("w.grad_batch").toFile());
      assertThat(gradients.header())
          .isEqualTo("{'descr': '<f8', 'fortran_order': False, 'shape': (11, 5, 4), }");
      assertRows(gradients, expected.get("w.grad_batch"));
      Npy norms = Npy.read(files.file("v.batch_l2").toFile());
      assertThat(norms.header()).contains("(11,)");
      assertRows(norms, expected.get("v.batch_l2"));
      String root = "b." + new SqrtGGNExact().field();
      INDArray columns = expected.get(root);
      int axis = graph.shape(root)[0] < 0 ? 0 : 1;
      assertRows(
          Npy.read(files.file(root).toFile()),
          axis == 0 ? columns : columns.permute(1, 0, 2).dup());
      assertThat((Object) Nd4j.createFromNpyFile(files.file("w.grad_batch").toFile())).isNotNull();

      assertThatThrownBy(() -> quantities.samples(12).over(cut(all, 4, 1, 6).iterator()))
          .hasMessageContaining("11 samples, not the 12");
      assertThatThrownBy(
              () ->
                  DataSetQuantities.of(graph)
                      .samples(11)
                      .rows(
                          (name, first, rows) -> {
                            throw new IOException("no room");
                          })
                      .over(cut(all, 4, 7).iterator()))
          .hasMessageContaining("no room");
    }
  }

  private static void assertRows(Npy file, INDArray expected) {
    assertClose(Nd4j.createFromArray(file.entries()).reshape(expected.shape()), expected.dup('c'));
  }

  // ---- bad input ----

  @Test
  void badBatchesAreNamed() {
    Map<String, INDArray> all = all(12);
    try (ExtendedGraph graph = BackPack.extend(Graphs.perceptron(), new SumGradSquared())) {
      DataSetQuantities quantities = DataSetQuantities.of(graph);
      assertThatThrownBy(() -> quantities.over(Collections.emptyIterator()))
          .hasMessageContaining("The data set is empty");
      List<Map<String, INDArray>> empty =
          List.of(
              Map.of(
                  "x",
                  Nd4j.create(DataType.DOUBLE, 0, 5),
                  "y",
                  Nd4j.create(DataType.DOUBLE, 0, 3)));
      assertThatThrownBy(() -> quantities.over(empty.iterator()))
          .hasMessageContaining("no sample: its 1 batches are empty");

      List<Map<String, INDArray>> wide = cut(all, 4, 4, 4);
      wide.get(1).put("x", Graphs.random(4, 6));
      assertThatThrownBy(() -> quantities.over(wide.iterator()))
          .isInstanceOf(BatchException.class)
          .hasMessageContaining("Batch 1 (its first sample is 4 of the data set)")
          .hasMessageContaining("\"x\" is fed an array of shape [4, 6]");
      assertThat(quantities.gathered().samples()).isEqualTo(4);
      INDArray expected =
          graph.output(cut(all, 4).get(0), "w.sum_grad_squared").get("w.sum_grad_squared");
      assertClose(quantities.gathered().quantities().get("w", SumGradSquared.class), expected);

      List<Map<String, INDArray>> broken = cut(all, 4, 4, 4);
      broken.get(2).get("x").putScalar(new long[] {3, 1}, Double.NaN);
      assertThatThrownBy(() -> quantities.over(broken.iterator()))
          .isInstanceOfSatisfying(
              BatchException.class,
              e -> {
                assertThat(e.batch()).isEqualTo(2);
                assertThat(e.sample()).isEqualTo(11);
              })
          .hasMessageContaining(
              "The first such sample is number 3 of the batch (11 of the data set)")
          .hasMessageContaining("\"x\" is fed entries that are not");
      assertThat(quantities.gathered().samples()).isEqualTo(8);
    }
  }

  @Test
  void aLossThatOverflowsIsNamed() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 1);
    SDVariable w = sd.var("w", Nd4j.scalar(DataType.DOUBLE, 1.0));
    sd.setLossVariables(sd.math().exp(x.mul(w)).sum("loss"));
    Map<String, INDArray> batch = Map.of("x", Nd4j.createFromArray(1.0, 2.0, 800.0).reshape(3, 1));
    try (ExtendedGraph graph = BackPack.extend(sd)) {
      assertThatThrownBy(() -> DataSetQuantities.of(graph).over(List.of(batch).iterator()))
          .isInstanceOfSatisfying(BatchException.class, e -> assertThat(e.sample()).isEqualTo(2))
          .hasMessageContaining("What it is fed is; parameters or the loss may not be");
    }
  }

  @Test
  void whatHasNoSamplesStaysTheSame() {
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.DOUBLE, -1, 2);
    SDVariable t = sd.placeHolder("t", DataType.DOUBLE, 2);
    SDVariable w = sd.var("w", Nd4j.ones(DataType.DOUBLE, 2));
    sd.setLossVariables(sd.math().square(x.mul(t).mul(w)).sum("loss"));
    List<Map<String, INDArray>> batches = new ArrayList<>();
    for (int k = 0; k < 2; k++) {
      batches.add(Map.of("x", Graphs.random(3, 2), "t", Nd4j.createFromArray(1.0, 1.0 + k)));
    }
    try (ExtendedGraph graph = BackPack.extend(sd)) {
      assertThatThrownBy(() -> DataSetQuantities.of(graph).over(batches.iterator()))
          .hasMessageContaining("Batch 1")
          .hasMessageContaining("\"t\" has no sample axis, and is fed something else");
      batches.remove(1);
      batches.add(Map.of("x", Graphs.random(3, 2), "t", Nd4j.createFromArray(1.0, 1.0)));
      assertThat(DataSetQuantities.of(graph).over(batches.iterator()).samples()).isEqualTo(6);
    }
  }

  // ---- memory ----

  /** A batch's results are given back before the next batch is read. */
  @Test
  void resultsOfABatchAreFreed() {
    Map<String, INDArray> all = all(12);
    List<INDArray> kept = new ArrayList<>();
    Iterator<Map<String, INDArray>> batches = cut(all, 4, 4, 4).iterator();
    Iterator<Map<String, INDArray>> feeds =
        new Iterator<>() {
          @Override
          public boolean hasNext() {
            return batches.hasNext();
          }

          @Override
          public Map<String, INDArray> next() {
            assertThat(kept).allMatch(INDArray::wasClosed);
            return batches.next();
          }
        };
    try (ExtendedGraph graph = BackPack.extend(Graphs.perceptron(), new BatchGrad())) {
      Map<String, INDArray> fed =
          DataSetQuantities.of(graph)
              .samples(12)
              .rows((name, first, rows) -> kept.add(rows))
              .over(feeds)
              .quantities()
              .outputs();
      assertThat(kept).hasSize(9).allMatch(INDArray::wasClosed);
      assertThat(fed.values()).noneMatch(INDArray::wasClosed);
    }
    assertThat(all.values()).noneMatch(INDArray::wasClosed);
  }
}
