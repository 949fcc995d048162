package org.backpack4j.examples;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import org.backpack4j.dl4j.influence.Influence;
import org.backpack4j.dl4j.influence.InfluenceReport;
import org.backpack4j.dl4j.influence.SampleScores;
import org.backpack4j.dl4j.train.PlannedTraining;
import org.backpack4j.examples.data.FashionMnist;
import org.backpack4j.examples.data.LabelledImages;
import org.deeplearning4j.datasets.iterator.utilty.ListDataSetIterator;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/**
 * Finds wrong labels: trains a LeNet on images of clothes, some of which were given another label,
 * ranks the images by self-influence, gradient norm and EL2N, and tells how many of the first 1, 5
 * and 10 percent are wrong. Writes a page of the training samples that helped and harmed most on a
 * test image that the network gets wrong, and tells time and memory of each step.
 *
 * <p>Where Debian's package {@code dataset-fashion-mnist} is installed, images are those of its
 * training set; else the 256 that come with the examples, too few to learn much from.
 */
public final class LabelErrors {
  private static final String[] CLASSES = {
    "T-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot"
  };
  private static final int BATCH = 100;

  private LabelErrors() {}

  /**
   * Runs it.
   *
   * @param args the number of images, 4000 by default; the share of wrong labels, 0.1 by default;
   *     the number of epochs, 10 by default; the page's file, {@code influence.html} by default
   * @throws Exception if the page cannot be written
   */
  public static void main(String[] args) throws Exception {
    boolean whole = FashionMnist.isInstalled();
    int count = args.length > 0 ? Integer.parseInt(args[0]) : whole ? 4000 : FashionMnist.COUNT;
    double share = args.length > 1 ? Double.parseDouble(args[1]) : 0.1;
    int epochs = args.length > 2 ? Integer.parseInt(args[2]) : 10;
    Path page = Path.of(args.length > 3 ? args[3] : "influence.html");
    LabelledImages images = whole ? FashionMnist.training(count) : FashionMnist.load(count);
    INDArray labels = images.labels().dup();
    BitSet wrong = mislabel(labels, share);
    DataSet training = new DataSet(images.images(), labels);
    MultiLayerNetwork net = network();
    System.out.printf("LeNet, %,d parameters, %,d images%n", net.numParams(), count);
    try (PlannedTraining planned = PlannedTraining.of(net)) {
      timed("training, " + epochs + " epochs", () -> fit(planned, training, epochs));
    }
    Influence influence = timed("fit of EK-FAC", () -> Influence.on(net).fit(batches(training)));
    Influence dots = Influence.on(net).gradientDotProduct().fit(batches(training));
    influence.notes().forEach(System.out::println);
    System.out.printf(
        Locale.ROOT,
        "%d wrong labels, %.1f %% of all%n",
        wrong.cardinality(),
        100.0 * wrong.cardinality() / count);
    SampleScores self = timed("self-influence", influence::selfInfluence);
    SampleScores norms = timed("gradient norms", influence::gradientNorms);
    SampleScores errors = timed("EL2N", influence::el2n);
    row("self-influence (EK-FAC)", self, wrong);
    row("gradient norm", norms, wrong);
    row("EL2N", errors, wrong);
    if (whole) {
      LabelledImages test = FashionMnist.test(1000);
      DataSet tests = new DataSet(test.images(), test.labels());
      DataSet bad = firstError(net, tests);
      InfluenceReport report = timed("influence on 1 test image", () -> influence.of(bad));
      DataSet some = (DataSet) tests.getRange(0, 64);
      timed("influence on 64 test images", () -> influence.of(some));
      timed("gradient products, 64 test images", () -> dots.of(some));
      report.writeHtml(page, CLASSES);
      System.out.println("the page of a test image that is wrong: " + page.toAbsolutePath());
    }
    influence.close();
    dots.close();
  }

  /** Gives some images another label, each of the others as likely; answers which. */
  private static BitSet mislabel(INDArray labels, double share) {
    SplittableRandom random = new SplittableRandom(11);
    BitSet wrong = new BitSet();
    for (int n = 0; n < labels.rows(); n++) {
      if (random.nextDouble() < share) {
        int own = labels.getRow(n).argMax().getInt(0);
        int other = (own + 1 + random.nextInt(CLASSES.length - 1)) % CLASSES.length;
        labels.putScalar(n, own, 0);
        labels.putScalar(n, other, 1);
        wrong.set(n);
      }
    }
    return wrong;
  }

  private static DataSetIterator batches(DataSet data) {
    return new ListDataSetIterator<>(data.asList(), BATCH);
  }

  private static boolean fit(PlannedTraining planned, DataSet training, int epochs) {
    planned.fit(batches(training), epochs);
    return true;
  }

  private static DataSet firstError(MultiLayerNetwork net, DataSet tests) {
    INDArray predicted = net.output(tests.getFeatures()).argMax(1);
    INDArray labels = tests.getLabels().argMax(1);
    for (int n = 0; n < tests.numExamples(); n++) {
      if (predicted.getInt(n) != labels.getInt(n)) {
        return (DataSet) tests.getRange(n, n + 1);
      }
    }
    return (DataSet) tests.getRange(0, 1);
  }

  private static void row(String name, SampleScores scores, BitSet wrong) {
    StringBuilder row = new StringBuilder(String.format(Locale.ROOT, "%-28s", name));
    for (int percent : new int[] {1, 5, 10}) {
      List<SampleScores.Entry> first = scores.highest(Math.max(1, scores.size() * percent / 100));
      long found = first.stream().filter(e -> wrong.get(e.index())).count();
      row.append(String.format(Locale.ROOT, " %5.1f %%", 100.0 * found / first.size()));
    }
    System.out.println(row);
  }

  /** Tells of a step how long it took, and the most memory that the process had meanwhile. */
  private static <T> T timed(String what, Callable<T> step) throws Exception {
    Path refs = Path.of("/proc/self/clear_refs");
    if (Files.isWritable(refs)) {
      Files.writeString(refs, "5"); // begins to measure the peak anew
    }
    long start = System.nanoTime();
    T made = step.call();
    double seconds = (System.nanoTime() - start) / 1e9;
    System.out.printf(Locale.ROOT, "%-36s %7.1f s %7s%n", what, seconds, peak());
    return made;
  }

  private static String peak() throws IOException {
    Path status = Path.of("/proc/self/status");
    if (!Files.isReadable(status)) {
      return "";
    }
    return Files.readAllLines(status).stream()
        .filter(line -> line.startsWith("VmHWM"))
        .map(line -> Long.parseLong(line.replaceAll("\\D", "")) / 1024 + " MiB")
        .findFirst()
        .orElse("");
  }

  private static MultiLayerNetwork network() {
    MultiLayerNetwork net =
        new MultiLayerNetwork(
            new NeuralNetConfiguration.Builder()
                .seed(7)
                .updater(new Adam(1e-3))
                .activation(Activation.RELU)
                .list()
                .layer(new ConvolutionLayer.Builder(5, 5).nOut(6).padding(2, 2).build())
                .layer(pooling())
                .layer(new ConvolutionLayer.Builder(5, 5).nOut(16).build())
                .layer(pooling())
                .layer(new DenseLayer.Builder().nOut(120).build())
                .layer(new DenseLayer.Builder().nOut(84).build())
                .layer(
                    new OutputLayer.Builder(LossFunction.MCXENT)
                        .nOut(LabelledImages.CLASSES)
                        .activation(Activation.SOFTMAX)
                        .build())
                .setInputType(InputType.convolutional(LabelledImages.SIZE, LabelledImages.SIZE, 1))
                .build());
    net.init();
    return net;
  }

  private static SubsamplingLayer pooling() {
    return new SubsamplingLayer.Builder(SubsamplingLayer.PoolingType.MAX)
        .kernelSize(2, 2)
        .stride(2, 2)
        .build();
  }
}
