package org.backpack4j.dl4j.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.backpack4j.dl4j.BackPackListener;
import org.backpack4j.dl4j.internal.train.Gradients;
import org.backpack4j.dl4j.report.TrainingReport;
import org.backpack4j.dl4j.testing.Nets;
import org.backpack4j.dl4j.weights.ElasticWeightConsolidation;
import org.backpack4j.dl4j.weights.Pruning;
import org.backpack4j.dl4j.weights.PruningMasks;
import org.backpack4j.samediff.extension.BatchGrad;
import org.backpack4j.samediff.privacy.PrivacyAccountant;
import org.deeplearning4j.datasets.iterator.utilty.SingletonDataSetIterator;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.Convolution1DLayer;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;
import org.nd4j.shade.jackson.databind.JsonNode;
import org.nd4j.shade.jackson.databind.ObjectMapper;

/** A network of which DL4J has a gradient in another shape than the parameter. */
class GradientShapesTest {
  private static final int SAMPLES = 12;
  private static final double CLIP = 0.3;

  @TempDir Path folder;

  private static MultiLayerNetwork net() {
    return Nets.sequential(
        Nets.builder().updater(new Sgd(1)),
        InputType.recurrent(2),
        new Convolution1DLayer.Builder(3).nOut(4).build(),
        new GlobalPoolingLayer(),
        new OutputLayer.Builder(LossFunction.MCXENT)
            .nOut(3)
            .activation(Activation.SOFTMAX)
            .build());
  }

  private static DataSet data(int samples) {
    return new DataSet(Nets.random(samples, 2, 6).muli(2), Nets.classes(samples, 3));
  }

  @Test
  void gradientsComeInTheParametersShapesAndAreViews() {
    MultiLayerNetwork net = net();
    boolean[] different = new boolean[1];
    net.setListeners(
        new BaseTrainingListener() {
          @Override
          public void onGradientCalculation(Model model) {
            Map<String, INDArray> table = model.paramTable();
            Gradients.of(model)
                .forEach(
                    (name, gradient) -> {
                      assertThat(gradient.shape()).isEqualTo(table.get(name).shape());
                      INDArray own = model.gradient().gradientForVariable().get(name);
                      different[0] |= !Arrays.equals(own.shape(), gradient.shape());
                      gradient.muli(2);
                      assertThat(gradient.data().sameUnderlyingData(own.data())).isTrue();
                      assertThat(Gradients.of(model, name).shape()).isEqualTo(gradient.shape());
                    });
          }
        });
    net.fit(data(SAMPLES));
    assertThat(different[0]).isTrue();
  }

  /** The update is the sum of the samples' clipped gradients, by both kinds of steps. */
  @Test
  void stepsArePrivate() {
    for (boolean planned : new boolean[] {false, true}) {
      MultiLayerNetwork net = net();
      try (PrivacyEngine engine =
          PrivacyEngine.on(net)
              .delta(1e-3)
              .clip(CLIP)
              .batchSize(SAMPLES)
              .noiseMultiplier(1e-4)
              .accountant(PrivacyAccountant.approximateGdp())
              .build(data(SAMPLES))) {
        net.setListeners(engine.listener());
        DataSetIterator batches = engine.iterator();
        DataSet batch = batches.next(); // everyone is in it
        Map<String, INDArray> expected = clipped(batch);
        Map<String, INDArray> before = new LinkedHashMap<>();
        net.paramTable().forEach((name, array) -> before.put(name, array.dup()));
        if (planned) {
          try (PlannedTraining training = PlannedTraining.of(net)) {
            training.fit(batch);
          }
        } else {
          net.fit(batch);
        }
        before.forEach(
            (name, array) -> {
              INDArray step = array.sub(net.getParam(name)).muli(SAMPLES);
              double off = step.sub(expected.get(name)).amaxNumber().doubleValue();
              assertThat(off).as(name).isLessThan(5e-4);
            });
      }
    }
  }

  private static Map<String, INDArray> clipped(DataSet batch) {
    MultiLayerNetwork copy = net();
    BackPackListener rows = new BackPackListener(new BatchGrad());
    copy.setListeners(rows);
    copy.fit(batch);
    Map<String, INDArray> sums = new LinkedHashMap<>();
    for (int n = 0; n < batch.numExamples(); n++) {
      double square = 0;
      for (String name : copy.paramTable().keySet()) {
        double norm = rows.get(name, BatchGrad.class).slice(n).norm2Number().doubleValue();
        square += norm * norm;
      }
      double weight = Math.min(1, CLIP / Math.sqrt(square));
      for (String name : copy.paramTable().keySet()) {
        INDArray row = rows.get(name, BatchGrad.class).slice(n).mul(weight);
        sums.merge(name, row.reshape(copy.getParam(name).shape()), INDArray::add);
      }
    }
    return sums;
  }

  /** A penalty's gradient pulls each weight by λ F (θ − θ*). */
  @Test
  void arePulledToWhatWasLearned() {
    MultiLayerNetwork net = net();
    DataSet batch = data(SAMPLES);
    ElasticWeightConsolidation memory =
        ElasticWeightConsolidation.of(net).strength(3).fit(new SingletonDataSetIterator(batch));
    INDArray learned = net.getParam("0_W").dup();
    INDArray importance = memory.importance("0_W");
    INDArray[] plain = new INDArray[1];
    INDArray[] pulled = new INDArray[1];
    net.addListeners(keep("0_W", plain), memory, keep("0_W", pulled));
    net.getParam("0_W").muli(2);
    net.fit(batch);
    INDArray pull = pulled[0].sub(plain[0]).reshape(learned.shape()).divi(SAMPLES);
    INDArray off = pull.sub(importance.mul(learned)); // 2 θ* − θ* is θ*, and λ is in F
    assertThat(off.amaxNumber().doubleValue()).isLessThan(1e-12);
    assertThat(pull.amaxNumber().doubleValue()).isGreaterThan(1e-3);
  }

  private static BaseTrainingListener keep(String parameter, INDArray[] kept) {
    return new BaseTrainingListener() {
      @Override
      public void onGradientCalculation(Model model) {
        kept[0] = model.gradient().getGradientFor(parameter).dup('c');
      }
    };
  }

  @Test
  void ofWhatIsPrunedAreZero() {
    MultiLayerNetwork net = net();
    PruningMasks masks = Pruning.of(net).parameters("0_W").prune(0.5);
    INDArray[] kept = new INDArray[1];
    net.addListeners(masks, keep("0_W", kept));
    net.fit(data(SAMPLES));
    INDArray mask = masks.mask("0_W").castTo(kept[0].dataType()).dup('c').reshape(kept[0].shape());
    assertThat(kept[0].mul(mask)).isEqualTo(kept[0]);
    assertThat(mask.sumNumber().intValue()).isEqualTo(12);
  }

  /** α of a report is that of the slopes along the step. */
  @Test
  void areReported() throws IOException {
    MultiLayerNetwork net = net();
    Path file = folder.resolve("log.jsonl");
    TrainingReport report = TrainingReport.economy().every(1).logTo(file);
    INDArray[] gradients = new INDArray[2];
    net.setListeners(
        report,
        new BaseTrainingListener() {
          @Override
          public void onGradientCalculation(Model model) {
            gradients[((MultiLayerNetwork) model).getIterationCount()] =
                model.gradient().gradient().dup();
          }
        });
    INDArray start = net.params().dup();
    net.fit(data(SAMPLES));
    INDArray step = net.params().sub(start);
    net.fit(data(7));
    report.close();
    List<String> lines = Files.readAllLines(file);
    assertThat(lines).hasSize(2);
    JsonNode first = new ObjectMapper().readTree(lines.get(0));
    double before = Objects.requireNonNull(gradients[0]).mul(step).sumNumber().doubleValue();
    double behind = Objects.requireNonNull(gradients[1]).mul(step).sumNumber().doubleValue();
    assertThat(first.get("alpha").asDouble())
        .isCloseTo(-(behind / 7) / (before / SAMPLES), org.assertj.core.data.Offset.offset(1e-9));
  }
}
