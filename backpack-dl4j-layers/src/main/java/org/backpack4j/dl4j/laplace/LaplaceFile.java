package org.backpack4j.dl4j.laplace;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import org.backpack4j.dl4j.internal.WholeFile;
import org.backpack4j.dl4j.internal.trained.OutputLoss;
import org.backpack4j.dl4j.internal.trained.TrainedModel;
import org.backpack4j.samediff.extension.Columns;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** A fitted approximation as a file: settings and sums, one behind the other, compressed. */
final class LaplaceFile {
  private static final String BEGIN = "backpack4j.laplace 1";

  private LaplaceFile() {}

  /**
   * What a file has.
   *
   * @param parameters those that it is of
   * @param digest of all parameters of the model
   */
  record Read(
      Choices choices,
      Prior prior,
      OutputLoss.Kind kind,
      List<String> parameters,
      TrainedModel.Shapes shapes,
      String digest,
      Gathering.Gathered gathered) {

    /**
     * What was fitted.
     *
     * @param file the file, in an error
     * @param model the model that it was fitted for
     */
    Fitted fitted(Path file, TrainedModel model) {
      if (!model.digest().equals(digest)) {
        throw new IllegalArgumentException(
            file
                + " was fitted for a network with other parameters than this one: load the network"
                + " that was saved with it, or fit again.");
      }
      double scale = gathered.sums().scale;
      Gathering gathering = new Gathering(model, parameters, choices.form, choices.columns, scale);
      return Fitted.of(gathering, gathered, kind, shapes, digest);
    }
  }

  static void save(Path file, Choices choices, Prior prior, Fitted fitted) throws IOException {
    WholeFile.write(
        file,
        beside -> {
          try (DataOutputStream out =
              new DataOutputStream(
                  new BufferedOutputStream(new GZIPOutputStream(Files.newOutputStream(beside))))) {
            out.writeUTF(BEGIN);
            write(out, choices, prior, fitted);
            write(out, fitted.gathered());
          }
        });
  }

  static Read load(Path file) throws IOException {
    try (DataInputStream in =
        new DataInputStream(
            new BufferedInputStream(new GZIPInputStream(Files.newInputStream(file))))) {
      if (!in.readUTF().equals(BEGIN)) {
        throw new IOException(file + " is no saved Laplace approximation of this version.");
      }
      return read(in);
    } catch (java.util.zip.ZipException | java.io.EOFException | java.io.UTFDataFormatException e) {
      throw new IOException(file + " is no saved Laplace approximation, or is cut off.", e);
    }
  }

  private static void write(DataOutputStream out, Choices choices, Prior prior, Fitted fitted)
      throws IOException {
    out.writeUTF(choices.form.name());
    out.writeInt(choices.columns.random() ? choices.columns.samples() : 0);
    out.writeLong(choices.columns.seed());
    optional(out, choices.output);
    out.writeBoolean(choices.perLayer);
    out.writeDouble(prior.everywhere);
    out.writeInt(prior.given.size());
    for (Map.Entry<String, Double> entry : prior.given.entrySet()) {
      out.writeUTF(entry.getKey());
      out.writeDouble(entry.getValue());
    }
    out.writeDouble(prior.noise == null ? Double.NaN : prior.noise);
    out.writeBoolean(prior.tuned);
    out.writeUTF(choices.link.name());
    out.writeInt(choices.draws);
    out.writeLong(choices.seed);
    out.writeUTF(fitted.kind().name());
    out.writeInt(fitted.layout().names().size());
    for (String p : fitted.layout().names()) {
      out.writeUTF(p);
    }
    write(out, fitted.shapes().features());
    write(out, fitted.shapes().labels());
    out.writeUTF(fitted.digest());
  }

  private static Read read(DataInputStream in) throws IOException {
    Choices choices = new Choices();
    choices.form = Form.valueOf(in.readUTF());
    int labels = in.readInt();
    long seed = in.readLong();
    choices.columns = labels == 0 ? Columns.EXACT : Columns.sampled(labels, seed);
    choices.output = in.readBoolean() ? in.readUTF() : null;
    choices.perLayer = in.readBoolean();
    Prior prior = new Prior();
    prior.everywhere = in.readDouble();
    Map<String, Double> precisions = new LinkedHashMap<>();
    for (int left = in.readInt(); left > 0; left--) {
      String name = in.readUTF();
      precisions.put(name, in.readDouble());
    }
    prior.given = precisions;
    double noise = in.readDouble();
    prior.noise = Double.isNaN(noise) ? null : noise;
    prior.tuned = in.readBoolean();
    choices.link = Link.valueOf(in.readUTF());
    choices.draws = in.readInt();
    choices.seed = in.readLong();
    OutputLoss.Kind kind = OutputLoss.Kind.valueOf(in.readUTF());
    List<String> parameters = new ArrayList<>();
    for (int left = in.readInt(); left > 0; left--) {
      parameters.add(in.readUTF());
    }
    TrainedModel.Shapes shapes = new TrainedModel.Shapes(shapes(in), shapes(in));
    String digest = in.readUTF();
    boolean apart = in.readBoolean();
    Sums sums = sums(in);
    Gathering.Gathered gathered = new Gathering.Gathered(apart ? sums(in) : sums, sums);
    return new Read(choices, prior, kind, parameters, shapes, digest, gathered);
  }

  private static void optional(DataOutputStream out, @Nullable String text) throws IOException {
    out.writeBoolean(text != null);
    if (text != null) {
      out.writeUTF(text);
    }
  }

  private static void write(DataOutputStream out, List<long[]> shapes) throws IOException {
    out.writeInt(shapes.size());
    for (long[] shape : shapes) {
      out.writeInt(shape.length);
      for (long extent : shape) {
        out.writeLong(extent);
      }
    }
  }

  private static List<long[]> shapes(DataInputStream in) throws IOException {
    List<long[]> shapes = new ArrayList<>();
    for (int left = in.readInt(); left > 0; left--) {
      long[] shape = new long[in.readInt()];
      for (int k = 0; k < shape.length; k++) {
        shape[k] = in.readLong();
      }
      shapes.add(shape);
    }
    return shapes;
  }

  private static void write(DataOutputStream out, Gathering.Gathered gathered) throws IOException {
    boolean apart = gathered.basis() != gathered.sums();
    out.writeBoolean(apart);
    write(out, gathered.sums());
    if (apart) {
      write(out, gathered.basis());
    }
  }

  private static void write(DataOutputStream out, Sums sums) throws IOException {
    out.writeLong(sums.samples);
    out.writeDouble(sums.terms);
    out.writeDouble(sums.logLikelihood);
    out.writeDouble(sums.squaredError);
    out.writeDouble(sums.scale);
    out.writeDouble(sums.factor);
    out.writeInt(sums.seen.length);
    for (double seen : sums.seen) {
      out.writeDouble(seen);
    }
    out.writeInt(sums.outputs.size());
    for (Map.Entry<String, INDArray> entry : sums.outputs.entrySet()) {
      out.writeUTF(entry.getKey());
      Nd4j.write(entry.getValue(), out);
      List<Integer> axes = sums.axes.getOrDefault(entry.getKey(), List.of());
      out.writeBoolean(sums.axes.containsKey(entry.getKey()));
      out.writeInt(axes.size());
      for (int axis : axes) {
        out.writeInt(axis);
      }
    }
  }

  private static Sums sums(DataInputStream in) throws IOException {
    Sums sums = new Sums();
    sums.samples = in.readLong();
    sums.terms = in.readDouble();
    sums.logLikelihood = in.readDouble();
    sums.squaredError = in.readDouble();
    sums.scale = in.readDouble();
    sums.factor = in.readDouble();
    sums.seen = new double[in.readInt()];
    for (int k = 0; k < sums.seen.length; k++) {
      sums.seen[k] = in.readDouble();
    }
    for (int left = in.readInt(); left > 0; left--) {
      String name = in.readUTF();
      sums.outputs.put(name, Nd4j.read(in));
      boolean known = in.readBoolean();
      List<Integer> axes = new ArrayList<>();
      for (int count = in.readInt(); count > 0; count--) {
        axes.add(in.readInt());
      }
      if (known) {
        sums.axes.put(name, axes);
      }
    }
    return sums;
  }
}
