package org.backpack4j.samediff.dataset;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.function.Consumer;
import org.backpack4j.samediff.BackPack;
import org.backpack4j.samediff.ExtendedGraph;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.extension.DiagGGNMC;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.extension.KFAC;
import org.backpack4j.samediff.extension.Variance;
import org.backpack4j.samediff.testing.Graphs;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class CheckpointTest {
  private static final int BATCHES = 9;
  private static final int HALF = 5;

  @TempDir Path directory;

  private static Extension[] extensions() {
    return new Extension[] {new Variance(), new DiagGGNMC(), new KFAC()};
  }

  private static List<Map<String, INDArray>> batches() {
    Nd4j.getRandom().setSeed(23);
    List<Map<String, INDArray>> batches = new ArrayList<>();
    for (int k = 0; k < BATCHES; k++) {
      batches.add(Graphs.feeds(2 + k % 3));
    }
    return batches;
  }

  /** Batches, and what happens before each is handed out. */
  private static Iterator<Map<String, INDArray>> watched(
      List<Map<String, INDArray>> batches, Consumer<Integer> before) {
    Iterator<Map<String, INDArray>> inner = batches.iterator();
    return new Iterator<>() {
      private int next;

      @Override
      public boolean hasNext() {
        return inner.hasNext();
      }

      @Override
      public Map<String, INDArray> next() {
        before.accept(next++);
        return inner.next();
      }
    };
  }

  private static Map<String, INDArray> uninterrupted(Extension... extensions) {
    try (ExtendedGraph graph = BackPack.extend(Graphs.perceptron(), extensions)) {
      return DataSetQuantities.of(graph).over(batches().iterator()).quantities().outputs();
    }
  }

  private static void assertSameBits(Map<String, INDArray> actual, Map<String, INDArray> expected) {
    assertThat(actual.keySet()).isEqualTo(expected.keySet());
    expected.forEach(
        (name, array) ->
            assertThat(actual.get(name).dup('c').data().asDouble())
                .as(name)
                .containsExactly(array.dup('c').data().asDouble()));
  }

  /** Gathers until it is killed: begins the fifth batch, says so, and waits for ever. */
  public static final class Killed {
    private Killed() {}

    public static void main(String[] arguments) {
      try (ExtendedGraph graph = BackPack.extend(Graphs.perceptron(), extensions())) {
        DataSetQuantities.of(graph)
            .checkpoint(Path.of(arguments[0]), 2)
            .over(
                watched(
                    batches(),
                    k -> {
                      if (k == HALF) {
                        tellAndWait();
                      }
                    }));
      }
    }

    private static void tellAndWait() {
      try {
        System.out.write("waiting\n".getBytes(StandardCharsets.UTF_8));
        System.out.flush();
        if (System.in.read() < 0) {
          throw new IllegalStateException("whoever was to kill it has gone");
        }
      } catch (IOException e) {
        throw new java.io.UncheckedIOException(e);
      }
    }
  }

  @Test
  void aKilledProcessIsGoneOnWithToTheSameBits() throws Exception {
    Path file = directory.resolve("killed.checkpoint");
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                Killed.class.getName(),
                file.toString())
            .redirectError(directory.resolve("errors").toFile())
            .start();
    try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8)) {
      String line = out.readLine();
      while (line != null && !line.equals("waiting")) {
        line = out.readLine();
      }
      assertThat(line).as(Files.readString(directory.resolve("errors"))).isEqualTo("waiting");
    } finally {
      process.destroyForcibly().waitFor(); // kill -9
    }
    assertThat(file).exists();
    List<Integer> evaluated = new ArrayList<>();
    try (ExtendedGraph graph = BackPack.extend(Graphs.perceptron(), extensions())) {
      DataSetResults results =
          DataSetQuantities.of(graph)
              .checkpoint(file, 2)
              .progress((work, done, total) -> evaluated.add(done))
              .over(batches().iterator());
      assertSameBits(results.quantities().outputs(), uninterrupted(extensions()));
      assertThat(results.batches()).isEqualTo(BATCHES);
    }
    assertThat(evaluated).hasSize(BATCHES - 4 + 1); // two checkpoints of two batches
    assertThat(file).doesNotExist();
  }

  @Test
  void whatIsCancelledIsGoneOnWith() throws IOException {
    Path file = directory.resolve("cancelled.checkpoint");
    try (ExtendedGraph graph =
            BackPack.extend(Graphs.perceptron(), new Variance(), new BatchGrad());
        NpyFiles rows = NpyFiles.in(directory.resolve("rows"));
        NpyFiles whole = NpyFiles.in(directory.resolve("whole"))) {
      long samples = batches().stream().mapToLong(b -> b.get("x").size(0)).sum();
      DataSetQuantities quantities =
          DataSetQuantities.of(graph).checkpoint(file, 100).rows(rows).samples(samples);
      assertThatThrownBy(
              () ->
                  quantities.over(
                      watched(
                          batches(),
                          k -> {
                            if (k == HALF) {
                              Thread.currentThread().interrupt();
                            }
                          })))
          .isInstanceOf(CancellationException.class)
          .hasMessageContaining("before batch " + (HALF + 1));
      assertThat(Thread.interrupted()).isTrue();
      assertThat(quantities.gathered().batches()).isPositive();
      Map<String, INDArray> outputs = quantities.over(batches().iterator()).quantities().outputs();
      Map<String, INDArray> expected =
          DataSetQuantities.of(graph)
              .rows(whole)
              .samples(samples)
              .over(batches().iterator())
              .quantities()
              .outputs();
      assertSameBits(outputs, expected);
      assertThat(rows.file("w.grad_batch")).hasSameBinaryContentAs(whole.file("w.grad_batch"));
    }
  }

  /** Stops a gathering after some batches, so that there is a checkpoint. */
  private Path stopped(ExtendedGraph graph) {
    Path file = directory.resolve("stopped.checkpoint");
    assertThatThrownBy(
            () ->
                DataSetQuantities.of(graph)
                    .checkpoint(file, 100)
                    .over(
                        watched(
                            batches(),
                            k -> {
                              if (k == HALF) {
                                throw new IllegalStateException("the disk is gone");
                              }
                            })))
        .isInstanceOf(BatchException.class)
        .hasMessageContaining("Batch 5 (its first sample is 14 of the data set) cannot be read")
        .hasMessageContaining("the disk is gone");
    return file;
  }

  @Test
  void aCheckpointOfSomethingElseIsRefused() throws IOException {
    SameDiff sd = Graphs.perceptron();
    try (ExtendedGraph graph = BackPack.extend(sd, new KFAC());
        ExtendedGraph other = BackPack.extend(sd, new Variance())) {
      Path file = stopped(graph);
      byte[] kept = Files.readAllBytes(file);
      assertThatThrownBy(
              () -> DataSetQuantities.of(other).checkpoint(file, 1).over(batches().iterator()))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("is of other graph");

      List<Map<String, INDArray>> shuffled = batches();
      shuffled.add(0, shuffled.remove(2));
      DataSetQuantities quantities = DataSetQuantities.of(graph).checkpoint(file, 1);
      assertThatThrownBy(() -> quantities.over(shuffled.iterator()))
          .hasMessageContaining("The first 5 batches are not those")
          .hasMessageContaining("the iterator shuffles or augments");
      assertThatThrownBy(() -> quantities.over(batches().subList(0, 3).iterator()))
          .hasMessageContaining("has 5 batches, and the data set only 3");

      INDArray w = sd.getVariable("w").getArr();
      w.putScalar(0, 0, w.getDouble(0, 0) + 1e-9);
      assertThatThrownBy(() -> quantities.over(batches().iterator()))
          .hasMessageContaining("is of other parameters");
      w.assign(Graphs.perceptron().getVariable("w").getArr());

      assertThat(Files.readAllBytes(file)).isEqualTo(kept);
      byte[] damaged = kept.clone();
      damaged[kept.length - 20]++;
      Files.write(file, damaged);
      assertThatThrownBy(() -> quantities.over(batches().iterator()))
          .hasMessageContaining("is damaged");
      Files.write(file, java.util.Arrays.copyOf(kept, kept.length / 2));
      assertThatThrownBy(() -> quantities.over(batches().iterator()))
          .hasMessageContaining("it ends too early");
      Files.write(file, new byte[40]);
      assertThatThrownBy(() -> quantities.over(batches().iterator()))
          .hasMessageContaining("is no checkpoint");
      Files.write(file, kept);
      assertSameBits(
          quantities.over(batches().iterator()).quantities().outputs(), uninterrupted(new KFAC()));
    }
  }
}
