package org.backpack4j.dl4j.internal.report;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.nd4j.shade.jackson.core.JsonProcessingException;
import org.nd4j.shade.jackson.databind.ObjectMapper;

/** A file with a line of JSON for each record. Numbers that are not finite are null. */
public final class RecordLog {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path path;

  /**
   * A log, which begins anew.
   *
   * @param path the file
   */
  public RecordLog(Path path) {
    this.path = path;
    write("", StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING);
  }

  /**
   * Adds a record.
   *
   * @param record the record
   */
  public void add(StepRecord record) {
    write(line(record) + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
  }

  private void write(String text, StandardOpenOption... options) {
    try {
      Files.writeString(path, text, options);
    } catch (IOException e) {
      throw new UncheckedIOException("The log \"" + path + "\" cannot be written.", e);
    }
  }

  static String line(StepRecord record) {
    GradientStatistics noise = record.statistics();
    Map<String, @Nullable Object> fields = new LinkedHashMap<>();
    fields.put("iteration", record.iteration());
    fields.put("epoch", record.epoch());
    fields.put("score", number(record.score()));
    fields.put("batch", noise.samples());
    fields.put("gradient_norm", number(record.gradientNorm()));
    fields.put("alpha", number(record.alpha()));
    fields.put("norm_test", number(noise.normTest()));
    fields.put("inner_product_test", number(noise.innerProductTest()));
    fields.put("orthogonality_test", number(noise.orthogonalityTest()));
    fields.put("trace_of_covariance", number(noise.traceOfCovariance()));
    fields.put("squared_mean", number(noise.squaredMean()));
    fields.put("mean_gsnr", number(record.signalToNoise()));
    fields.put("early_stopping", number(record.earlyStopping()));
    fields.put("takeuchi", number(record.takeuchi()));
    if (!record.closeup().equals(Closeup.NONE)) {
      fields.put("largest_eigenvalue", number(record.closeup().eigenvalue()));
      fields.put("gradient_histograms", histograms(record.closeup().histograms()));
      fields.put("notes", record.closeup().notes());
    }
    fields.put("layers", layers(record));
    fields.put("largest_samples", record.largest().stream().map(RecordLog::sample).toList());
    try {
      return JSON.writeValueAsString(fields);
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Map<String, @Nullable Object> sample(StepRecord.Sample sample) {
    Map<String, @Nullable Object> fields = new LinkedHashMap<>();
    fields.put("index", sample.index());
    fields.put("norm", number(sample.norm()));
    fields.put("share", number(sample.share()));
    return fields;
  }

  private static Map<String, Object> layers(StepRecord record) {
    Map<String, Object> all = new LinkedHashMap<>();
    record
        .layers()
        .forEach(
            (name, layer) -> {
              Map<String, @Nullable Object> fields = new LinkedHashMap<>();
              fields.put("gradient_norm", number(layer.gradientNorm()));
              fields.put("weight_norm", number(layer.weightNorm()));
              fields.put("distance", number(layer.distance()));
              fields.put("update_size", number(layer.updateSize()));
              fields.put("dead", number(layer.dead()));
              fields.put("curvature", number(layer.curvature()));
              Double eigenvalue = record.closeup().eigenvalues().get(name);
              if (eigenvalue != null) {
                fields.put("largest_eigenvalue", number(eigenvalue));
              }
              all.put(name, fields);
            });
    return all;
  }

  private static Map<String, Object> histograms(Map<String, Histogram> histograms) {
    Map<String, Object> all = new LinkedHashMap<>();
    histograms.forEach(
        (name, histogram) ->
            all.put(name, Map.of("range", histogram.range(), "counts", histogram.counts())));
    return all;
  }

  private static @Nullable Double number(double value) {
    return Double.isFinite(value) ? value : null;
  }
}
