package org.backpack4j.dl4j.influence;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.backpack4j.dl4j.internal.trained.BatchIterator;
import org.backpack4j.dl4j.testing.ListedBatches;
import org.backpack4j.dl4j.testing.Nets;
import org.backpack4j.samediff.dataset.BatchException;
import org.deeplearning4j.datasets.iterator.utilty.ListDataSetIterator;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.AsyncDataSetIterator;
import org.nd4j.linalg.dataset.AsyncMultiDataSetIterator;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.adapter.MultiDataSetIteratorAdapter;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Data and networks that are not as they should be, and what is told of scores. */
class InfluenceInputsTest {
  private static final int N = 10;

  private static OutputLayer output(LossFunction loss, Activation activation) {
    return new OutputLayer.Builder(loss).nOut(3).activation(activation).build();
  }

  private static MultiLayerNetwork net() {
    return Nets.sequential(
        InputType.feedForward(4),
        new DenseLayer.Builder().nOut(5).build(),
        output(LossFunction.MCXENT, Activation.SOFTMAX));
  }

  private static List<DataSet> samples(int count) {
    INDArray x = Nets.random(count, 4);
    INDArray y = Nets.classes(count, 3);
    List<DataSet> all = new ArrayList<>();
    for (int n = 0; n < count; n++) {
      all.add(new DataSet(x.getRow(n).dup().reshape(1, 4), y.getRow(n).dup().reshape(1, 3)));
    }
    return all;
  }

  private static DataSetIterator batches(List<DataSet> samples) {
    return new ListDataSetIterator<>(samples, 4);
  }

  @Test
  void asynchronousIteratorsAreTaken() {
    DataSet test = samples(1).get(0);
    try (Influence plain = Influence.on(net()).fit(batches(samples(N)));
        Influence influence =
            Influence.on(net()).fit(new AsyncDataSetIterator(batches(samples(N))));
        Influence several =
            Influence.on(net())
                .fit(
                    new AsyncMultiDataSetIterator(
                        new MultiDataSetIteratorAdapter(batches(samples(N)))))) {
      double[] expected = plain.of(test).scores().toArray();
      assertThat(influence.of(test).scores().toArray()).isEqualTo(expected);
      assertThat(several.of(test).scores().toArray()).isEqualTo(expected);
    }
  }

  // ---- what is refused ----

  @Test
  void aSampleThatIsNoNumberIsNamed() {
    List<DataSet> bad = samples(N);
    bad.get(6).getFeatures().putScalar(1, Double.NaN);
    for (Influence.Builder builder :
        List.of(
            Influence.on(net()),
            Influence.on(net()).kron(),
            Influence.on(net()).diagonal(),
            Influence.on(net()).full())) {
      assertThatThrownBy(() -> builder.fit(batches(bad)))
          .isInstanceOf(BatchException.class)
          .hasMessageContaining("6 of the data set")
          .hasMessageContaining("input");
    }
    Influence dots = Influence.on(net()).gradientDotProduct().fit(batches(bad));
    assertThatThrownBy(() -> dots.of(samples(1).get(0)))
        .isInstanceOfSatisfying(BatchException.class, e -> assertThat(e.sample()).isEqualTo(6));
    assertThatThrownBy(dots::selfInfluence).isInstanceOf(BatchException.class);
    assertThatThrownBy(dots::el2n)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("Training sample 6");
    assertThatThrownBy(() -> Influence.on(net()).trak(3, 1).fit(batches(bad)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("6");
  }

  @Test
  void aTestSampleThatIsNoNumberIsNamed() {
    Influence influence = Influence.on(net()).fit(batches(samples(N)));
    List<DataSet> bad = samples(9);
    bad.get(5).getFeatures().putScalar(2, Double.POSITIVE_INFINITY);
    assertThatThrownBy(() -> influence.of(batches(bad)))
        .isInstanceOfSatisfying(BatchException.class, e -> assertThat(e.sample()).isEqualTo(5))
        .hasMessageStartingWith("Test sample 5");
  }

  /** Between the passes of fit, or later. */
  @Test
  void dataThatChangeAreFound() {
    MultiLayerNetwork net = net();
    List<DataSet> samples = samples(N);
    MultiDataSetIterator shuffling =
        new BatchIterator() {
          private static final long serialVersionUID = 1L;
          private final transient Random random = new Random(1);
          private transient DataSetIterator inner = batches(samples);

          @Override
          public boolean hasNext() {
            return inner.hasNext();
          }

          @Override
          public MultiDataSet next() {
            return inner.next().toMultiDataSet();
          }

          @Override
          public void reset() {
            List<DataSet> order = new ArrayList<>(samples);
            Collections.shuffle(order, random);
            inner = batches(order);
          }
        };
    assertThatThrownBy(() -> Influence.on(net).fit(shuffling))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("differs in batch 0")
        .hasMessageContaining("fixed order");

    List<MultiDataSet> listed = new ArrayList<>();
    samples.forEach(s -> listed.add(s.toMultiDataSet()));
    Influence influence = Influence.on(net).fit(new ListedBatches(listed));
    MultiDataSet last = listed.remove(N - 1);
    assertThatThrownBy(() -> influence.of(samples.get(0)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("has ended behind batch 8");
    listed.add(last);
    assertThatCode(() -> influence.of(samples.get(0))).doesNotThrowAnyException();
    listed.add(last);
    assertThatThrownBy(influence::selfInfluence)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("has more batches");
    listed.remove(N);
    samples.get(3).getLabels().putScalar(0, 0.5);
    assertThatThrownBy(influence::el2n)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("differs in batch 3");
  }

  @Test
  void aNetworkThatWasTrainedMeanwhileIsFound() {
    MultiLayerNetwork net = net();
    Influence influence = Influence.on(net).fit(batches(samples(N)));
    net.fit(batches(samples(N)));
    assertThatThrownBy(() -> influence.of(samples(1).get(0)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("parameters have changed");
  }

  @Test
  void nothingIsRefused() {
    MultiLayerNetwork net = net();
    assertThatThrownBy(() -> Influence.on(net).fit(new ListedBatches(List.of())))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("training data are empty");
    Influence influence = Influence.on(net).fit(batches(samples(N)));
    assertThatThrownBy(() -> influence.of(new ListedBatches(List.of())))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("no test sample");
    assertThat(influence.of(samples(1).get(0)).topHelpful(0)).isEmpty();
    assertThat(influence.of(samples(1).get(0)).topHelpful(99)).hasSize(N);
    assertThatThrownBy(() -> influence.of(samples(1).get(0)).topHarmful(-1))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void choicesAreChecked() {
    MultiLayerNetwork net = net();
    assertThatThrownBy(() -> Influence.on(net).layers("7").fit(batches(samples(N))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("[7]")
        .hasMessageContaining("1_W");
    assertThatThrownBy(() -> Influence.on(net).damping(-1))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Influence.on(net).damping(Double.NaN))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Influence.on(net).trak(0, 1))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Influence.on(net).damping(0).fit(batches(samples(N))))
        .isInstanceOf(ArithmeticException.class)
        .hasMessageContaining("damping");
    assertThatThrownBy(() -> Influence.on(net).trak(N + 5, 1).fit(batches(samples(N))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("smaller projection dimension");
    assertThatThrownBy(() -> Influence.on(SameDiff.create()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("training configuration");
    DataSetIterator once =
        new ListDataSetIterator<>(samples(N), 4) {
          private static final long serialVersionUID = 1L;

          @Override
          public boolean resetSupported() {
            return false;
          }
        };
    assertThatThrownBy(() -> Influence.on(net).fit(once))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("cannot be reset");
  }

  @Test
  void aMarginIsOfAClassifier() {
    MultiLayerNetwork squared =
        Nets.sequential(InputType.feedForward(4), output(LossFunction.MSE, Activation.IDENTITY));
    assertThatThrownBy(() -> Influence.on(squared).trak(3, 1).fit(batches(samples(N))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("squared error");
    MultiLayerNetwork hinge =
        Nets.sequential(
            InputType.feedForward(4), output(LossFunction.SQUARED_HINGE, Activation.IDENTITY));
    Influence influence = Influence.on(hinge).gradientDotProduct().fit(batches(samples(N)));
    assertThatThrownBy(influence::el2n)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("gradientNorms()");
    assertThat(influence.gradientNorms().size()).isEqualTo(N);
    Influence errors = Influence.on(squared).gradientDotProduct().fit(batches(samples(N)));
    assertThat(errors.el2n().get(0)).isPositive();
  }

  // ---- what is told ----

  @Test
  void aNetworkThatIsNotAtAMinimumIsTold() {
    Influence influence = Influence.on(net()).fit(batches(samples(N)));
    assertThat(influence.notes()).hasSize(1).first().asString().contains("not at a minimum");
    assertThat(influence.of(samples(1).get(0)).notes()).isEqualTo(influence.notes());
  }

  @Test
  void aClassThatWasNeverSeenIsTold() {
    List<DataSet> some = new ArrayList<>(samples(N));
    some.removeIf(s -> s.getLabels().getDouble(2) == 1);
    Influence influence = Influence.on(net()).gradientDotProduct().fit(batches(some));
    InfluenceReport report = influence.of(batches(samples(3)));
    assertThat(report.notes()).hasSize(1).first().asString().contains("classes [2]");
    assertThat(report.scores().byClass().keySet()).containsExactly(0, 1);
    assertThat(influence.of(samples(1).get(0)).notes()).isEmpty();
  }

  @Test
  void sumsAreThoseOfClasses() {
    Influence influence = Influence.on(net()).fit(batches(samples(N)));
    SampleScores scores = influence.of(samples(2).get(1)).scores();
    double[] sums = new double[3];
    for (int n = 0; n < N; n++) {
      sums[n % 3] += scores.get(n);
    }
    for (int c = 0; c < 3; c++) {
      assertThat(scores.byClass().get(c)).isEqualTo(sums[c]);
    }
    assertThat(scores.meaning()).contains("units of the loss");
    double[] all = scores.toArray();
    assertThat(scores.highest(1).get(0).score())
        .isEqualTo(java.util.Arrays.stream(all).max().orElseThrow());
    assertThat(scores.lowest(1).get(0).score())
        .isEqualTo(java.util.Arrays.stream(all).min().orElseThrow());
  }

  // ---- the page ----

  @Test
  void thePageHasPicturesAndWords(@TempDir Path folder) throws Exception {
    MultiLayerNetwork net =
        Nets.sequential(
            InputType.convolutional(4, 4, 1),
            new ConvolutionLayer.Builder(2, 2).nOut(2).build(),
            output(LossFunction.MCXENT, Activation.SOFTMAX));
    DataSet all = new DataSet(Nets.random(N, 1, 4, 4), Nets.classes(N, 3));
    Influence influence = Influence.on(net).fit(batches(all.asList()));
    InfluenceReport report = influence.of(all.asList().get(2));
    Path file = folder.resolve("influence.html");
    Files.writeString(file, "old");
    report.writeHtml(file, "a & b", "<c>");
    String page = Files.readString(file);
    assertThat(page)
        .contains("a &amp; b", "&lt;c&gt;", "class 2", "data:image/png;base64,")
        .contains("Harmed most", "in units of the loss", "not at a minimum")
        .doesNotContain("<c>", "old");
    int shown =
        (int) report.topHelpful(8).stream().filter(e -> e.score() > 0).count()
            + (int) report.topHarmful(8).stream().filter(e -> e.score() < 0).count();
    assertThat(page.split("<img", -1)).hasSize(shown + 2);
    assertThat(folder.toFile().list()).containsExactly("influence.html");
  }

  /** Without images there are none, and the page is there. */
  @Test
  void thePageDoesWithoutPictures() {
    Influence influence = Influence.on(net()).gradientDotProduct().fit(batches(samples(N)));
    String page = influence.of(batches(samples(25))).html(3);
    assertThat(page).doesNotContain("<img").contains("the first 20 are shown", "Test sample 19");
  }
}
