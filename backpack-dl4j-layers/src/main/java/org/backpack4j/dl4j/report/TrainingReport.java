package org.backpack4j.dl4j.report;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ref.WeakReference;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.backpack4j.dl4j.BackPackListener;
import org.backpack4j.dl4j.internal.WholeFile;
import org.backpack4j.dl4j.internal.convert.NetworkBatch;
import org.backpack4j.dl4j.internal.report.Advisor;
import org.backpack4j.dl4j.internal.report.CloseLook;
import org.backpack4j.dl4j.internal.report.Observer;
import org.backpack4j.dl4j.internal.report.Picture;
import org.backpack4j.dl4j.internal.report.RecordLog;
import org.backpack4j.dl4j.internal.report.ReportPage;
import org.backpack4j.dl4j.internal.report.StepRecord;
import org.backpack4j.dl4j.internal.train.QuantityListener;
import org.backpack4j.samediff.TrainingStep;
import org.backpack4j.samediff.extension.BatchL2Grad;
import org.backpack4j.samediff.extension.DiagGGNMC;
import org.backpack4j.samediff.extension.Extension;
import org.backpack4j.samediff.extension.GradAlignment;
import org.backpack4j.samediff.extension.Variance;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A page about a training, written while it runs, with advice in words:
 *
 * <pre>{@code
 * net.addListeners(TrainingReport.economy().every(10).writeTo(Path.of("report.html")));
 * net.fit(iterator, epochs);
 * }</pre>
 *
 * <p>Every tenth iteration it looks at the gradients of the batch's samples, and writes down: the
 * loss, α of the parabola along the step, the distance travelled, the step's size, the gradient's
 * norm, the norm, inner-product and orthogonality tests, the noise scale, the signal-to-noise
 * ratio, an early-stopping criterion, dead units, and the samples of largest gradient norm, with
 * their pictures where they are images. The definitions are those of Cockpit (Schneider, Dangel and
 * Hennig, 2021), in docs/report.md where they differ; {@link Advice} is given from thresholds that
 * stand there too.
 *
 * <p>Training is not changed: the network is only read. A report belongs to the first network that
 * it hears of; others are not observed, so each has one of its own. No sample's gradient is kept.
 * What goes wrong in a report is logged, once, and training goes on.
 */
public final class TrainingReport extends BaseTrainingListener implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(TrainingReport.class);

  static {
    QuantityListener.Adapters.add(TrainingReport.class, report -> report.planned);
  }

  /** A page is not written more often, in nanoseconds, while the training runs. */
  private static final long PAUSE = 2_000_000_000L;

  private final boolean curved;
  private final @Nullable CloseLook closeLook;
  private final BackPackListener quantities;
  private final QuantityListener planned;
  private final Observer observer = new Observer();
  private final List<StepRecord> records = new ArrayList<>();
  private Map<Integer, String> pictures = Map.of();
  private @Nullable WeakReference<Model> observed;
  private @Nullable Path page;
  private @Nullable RecordLog lines;
  private String title = "Training report";
  private long written;
  private boolean failed;

  private TrainingReport(boolean curved, @Nullable CloseLook closeLook, Extension... extensions) {
    this.curved = curved;
    this.closeLook = closeLook;
    quantities =
        new BackPackListener(extensions)
            .runningStatistics()
            .lenient()
            .gradientTolerance(Double.POSITIVE_INFINITY) // what is not finite is reported, too
            .onStepOf(this::step);
    planned = QuantityListener.of(quantities).orElseThrow();
    every(10);
  }

  /**
   * What the gradients of the samples tell.
   *
   * @return a report on every tenth iteration that is written nowhere yet
   */
  public static TrainingReport economy() {
    return new TrainingReport(false, null, new BatchL2Grad(), new GradAlignment(), new Variance());
  }

  /**
   * The same with the curvature's trace of each layer, by one sampled label, and Takeuchi's
   * information criterion.
   *
   * @return a report on every tenth iteration that is written nowhere yet
   */
  public static TrainingReport business() {
    return new TrainingReport(
        true, null, new BatchL2Grad(), new GradAlignment(), new Variance(), new DiagGGNMC());
  }

  /**
   * The same with histograms of the entries of the samples' gradients, for each parameter, also
   * against the parameters' values, and the largest eigenvalues of the generalised Gauss-Newton
   * matrix and of the layers' blocks. They take passes of their own over the batch, with batch
   * normalisation as in evaluation mode; the eigenvalues take up to 100 of them. Networks with
   * dropout or noise lack them, and the page says so.
   *
   * @return a report on every tenth iteration that is written nowhere yet
   */
  public static TrainingReport full() {
    return new TrainingReport(
        true,
        new CloseLook(),
        new BatchL2Grad(),
        new GradAlignment(),
        new Variance(),
        new DiagGGNMC());
  }

  // ---- choices ----

  /**
   * Chooses how often it looks.
   *
   * @param iterations every so many iterations, 1 for all
   * @return this report
   * @throws IllegalArgumentException if it is less than 1
   */
  public TrainingReport every(int iterations) {
    quantities.everyNIterations(iterations);
    return this;
  }

  /**
   * Chooses a page.
   *
   * @param path an HTML file, which is replaced while the training runs, and read again by a
   *     browser every few seconds; {@link #close} writes it for the last time
   * @return this report
   */
  public TrainingReport writeTo(Path path) {
    page = path;
    return this;
  }

  /**
   * Chooses a log: a line of JSON for each iteration observed.
   *
   * @param path the file, which begins anew
   * @return this report
   * @throws UncheckedIOException if it cannot be written
   */
  public TrainingReport logTo(Path path) {
    lines = new RecordLog(path);
    return this;
  }

  /**
   * Chooses the page's title.
   *
   * @param text the title
   * @return this report
   */
  public TrainingReport titled(String text) {
    title = text;
    return this;
  }

  // ---- results ----

  /**
   * What was found so far.
   *
   * @return the findings, the gravest first; none while fewer than five iterations were observed
   */
  public synchronized List<Advice> advice() {
    return Advisor.of(records);
  }

  /**
   * The page as it is now.
   *
   * @return HTML that needs nothing beside it
   */
  public synchronized String html() {
    return ReportPage.of(title, records, Advisor.of(records), pictures, false);
  }

  /**
   * How many iterations were observed to their end.
   *
   * @return the number of records
   */
  public synchronized int observed() {
    return records.size();
  }

  /**
   * Why quantities are missing, if they are.
   *
   * @throws IllegalStateException if there is no iteration yet, or with the reason for which the
   *     last one's quantities could not be had
   */
  public void check() {
    quantities.latest();
  }

  // ---- DL4J ----

  private synchronized void step(Model net, TrainingStep step) {
    if (isObserved(net)) {
      guarded(
          () -> {
            observer.begin(net, step, curved);
            if (closeLook != null) {
              observer.add(closeLook.at(net));
            }
            pictures = pictures(net);
          });
    }
  }

  private boolean isObserved(Model net) {
    if (observed == null) {
      observed = new WeakReference<>(net);
    }
    return observed.refersTo(net);
  }

  private Map<Integer, String> pictures(Model net) {
    Map<Integer, String> found = new LinkedHashMap<>();
    if (page != null) {
      for (StepRecord.Sample sample : observer.largest()) {
        String picture = Picture.of(NetworkBatch.of(net).features()[0], sample.index());
        if (picture != null) {
          found.put(sample.index(), picture);
        }
      }
    }
    return found;
  }

  @Override
  public void onForwardPass(Model model, List<INDArray> activations) {
    quantities.onForwardPass(model, activations);
  }

  @Override
  public void onForwardPass(Model model, Map<String, INDArray> activations) {
    quantities.onForwardPass(model, activations);
  }

  @Override
  public void onBackwardPass(Model model) {
    quantities.onBackwardPass(model);
  }

  @Override
  public synchronized void onGradientCalculation(Model model) {
    if (isNetwork(model) && isObserved(model)) {
      guarded(() -> add(observer.gradient(model, iteration(model), NetworkBatch.samples(model))));
    }
  }

  @Override
  public synchronized void iterationDone(Model model, int iteration, int epoch) {
    quantities.iterationDone(model, iteration, epoch);
    if (isNetwork(model) && isObserved(model)) {
      guarded(() -> observer.stepped(model));
    }
  }

  @Override
  public synchronized void onEpochEnd(Model model) {
    if (isNetwork(model) && isObserved(model)) {
      guarded(() -> write(true));
    }
  }

  private static boolean isNetwork(Model model) {
    return model instanceof ComputationGraph || model instanceof MultiLayerNetwork;
  }

  private static int iteration(Model model) {
    return model instanceof ComputationGraph graph
        ? graph.getIterationCount()
        : ((MultiLayerNetwork) model).getIterationCount();
  }

  private void add(@Nullable StepRecord record) {
    if (record == null) {
      return;
    }
    int last = records.size() - 1;
    if (last >= 0) {
      records.set(last, records.get(last).compact());
    }
    records.add(record);
    if (lines != null) {
      lines.add(record);
    }
    if (System.nanoTime() - written > PAUSE) {
      write(true);
    }
  }

  private void write(boolean running) {
    Path file = page;
    if (file == null) {
      return;
    }
    String text = ReportPage.of(title, records, Advisor.of(records), pictures, running);
    try {
      WholeFile.write(file.toAbsolutePath(), text);
    } catch (IOException e) {
      throw new UncheckedIOException("The page \"" + file + "\" cannot be written.", e);
    }
    written = System.nanoTime();
  }

  /** A report's failure is none of the training's. */
  private void guarded(Runnable body) {
    try {
      body.run();
    } catch (RuntimeException e) {
      if (!failed) {
        failed = true;
        log.error("The training report could not go on; training does. It is logged once.", e);
      }
    }
  }

  /** Writes the page for the last time, and frees the memory that evaluations keep. */
  @Override
  public synchronized void close() {
    guarded(
        () -> {
          add(observer.last());
          write(false);
        });
    if (closeLook != null) {
      closeLook.close();
    }
    quantities.close();
  }
}
