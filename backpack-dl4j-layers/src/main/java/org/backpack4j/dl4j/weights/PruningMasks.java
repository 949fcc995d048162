package org.backpack4j.dl4j.weights;

import java.io.BufferedOutputStream;
import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32C;
import java.util.zip.CheckedOutputStream;
import org.backpack4j.dl4j.internal.WholeFile;
import org.backpack4j.dl4j.internal.train.Gradients;
import org.backpack4j.dl4j.internal.trained.TrainedModel;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.nd4j.autodiff.listeners.At;
import org.nd4j.autodiff.listeners.BaseListener;
import org.nd4j.autodiff.listeners.Listener;
import org.nd4j.autodiff.listeners.Operation;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.internal.Variable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Which weights are zero and stay so: a listener of a network that trains, by {@code fit} or by
 * planned steps, with any updater. It multiplies the gradient by the masks before the updater, and
 * the parameters after it, so that neither momentum of before nor weight decay moves what is
 * pruned. A SameDiff graph takes {@link #ofSameDiff()}.
 *
 * <p>It may listen to copies of the network as well: masks are found by the parameters' names.
 * Everything else of the training is as it was, and all of it once the listener is gone.
 */
public final class PruningMasks extends BaseTrainingListener {
  private static final long MAGIC = 0x4250_344a_4d53_0001L; // BP4JMS, version 1

  private final TrainedModel trained;
  private final Map<String, INDArray> masks;

  private PruningMasks(TrainedModel trained, Map<String, INDArray> masks) {
    this.trained = trained;
    this.masks = masks;
  }

  static PruningMasks of(TrainedModel trained, Map<String, boolean[]> keep) {
    Map<String, INDArray> masks = new LinkedHashMap<>();
    keep.forEach(
        (name, stays) -> {
          INDArray own = trained.array(name);
          double[] numbers = new double[stays.length];
          for (int k = 0; k < stays.length; k++) {
            numbers[k] = stays[k] ? 1 : 0;
          }
          // in the parameter's order, so that a product is one loop
          INDArray mask = Nd4j.create(numbers, own.shape(), 'c').castTo(own.dataType());
          masks.put(name, mask.dup(own.ordering()));
        });
    return new PruningMasks(trained, masks);
  }

  // ---- what there is ----

  /**
   * The parameters that have masks.
   *
   * @return their names
   */
  public List<String> parameters() {
    return List.copyOf(masks.keySet());
  }

  /**
   * A parameter's mask.
   *
   * @param parameter its name
   * @return 1 for what stays, 0 for what is pruned, of the parameter's shape
   * @throws IllegalArgumentException if it has none
   */
  public INDArray mask(String parameter) {
    INDArray mask = masks.get(parameter);
    if (mask == null) {
      throw new IllegalArgumentException(
          "\"" + parameter + "\" has no mask; there are those of " + masks.keySet() + ".");
    }
    return mask.dup();
  }

  /**
   * The share of weights that are pruned, of all that have masks.
   *
   * @return from 0 to 1
   */
  public double sparsity() {
    double kept = masks.values().stream().mapToDouble(m -> m.sumNumber().doubleValue()).sum();
    return 1 - kept / masks.values().stream().mapToLong(INDArray::length).sum();
  }

  /**
   * The share of a parameter's weights that are pruned.
   *
   * @param parameter its name
   * @return from 0 to 1
   * @throws IllegalArgumentException if it has no mask
   */
  public double sparsity(String parameter) {
    INDArray mask = mask(parameter);
    return 1 - mask.sumNumber().doubleValue() / mask.length();
  }

  /** Sets what is pruned to zero now, as after a call that has changed parameters. */
  public void apply() {
    masks.forEach((name, mask) -> trained.array(name).muli(mask));
  }

  // ---- in training ----

  @Override
  public void onGradientCalculation(Model model) {
    if (isNetwork(model)) {
      masks.forEach(
          (name, mask) -> {
            INDArray gradient = Gradients.of(model, name);
            if (gradient != null) {
              gradient.muli(mask);
            }
          });
    }
  }

  @Override
  public void iterationDone(Model model, int iteration, int epoch) {
    if (isNetwork(model)) {
      masks.forEach((name, mask) -> model.getParam(name).muli(mask));
    }
  }

  private static boolean isNetwork(Model model) {
    return model instanceof MultiLayerNetwork || model instanceof ComputationGraph;
  }

  /**
   * The listener of a SameDiff graph: {@code sd.addListeners(masks.ofSameDiff())}. It sets the
   * updates of what is pruned to zero, behind updater and weight decay.
   *
   * @return a listener
   */
  public Listener ofSameDiff() {
    return new OfSameDiff(masks);
  }

  private static final class OfSameDiff extends BaseListener {
    private final Map<String, INDArray> masks;

    OfSameDiff(Map<String, INDArray> masks) {
      this.masks = masks;
    }

    @Override
    public boolean isActive(Operation operation) {
      return operation == Operation.TRAINING;
    }

    @Override
    public void preUpdate(SameDiff sd, At at, Variable v, INDArray update) {
      INDArray mask = masks.get(v.getName());
      if (mask != null) {
        update.muli(mask);
        v.getVariable().getArr().muli(mask);
      }
    }
  }

  // ---- files ----

  /**
   * Saves the masks, beside the network's own file.
   *
   * @param file the file, which is replaced when all is written
   * @throws IOException if it cannot be written
   */
  public void save(Path file) throws IOException {
    WholeFile.write(file, this::write);
  }

  private void write(Path file) throws IOException {
    CheckedOutputStream checked =
        new CheckedOutputStream(
            new BufferedOutputStream(Files.newOutputStream(file)), new CRC32C());
    try (DataOutputStream out = new DataOutputStream(checked)) {
      out.writeLong(MAGIC);
      out.writeInt(masks.size());
      for (Map.Entry<String, INDArray> entry : masks.entrySet()) {
        INDArray mask = entry.getValue();
        out.writeUTF(entry.getKey());
        out.writeInt(mask.rank());
        for (long extent : mask.shape()) {
          out.writeLong(extent);
        }
        double[] numbers = mask.dup('c').data().asDouble();
        BitSet kept = new BitSet(numbers.length);
        for (int k = 0; k < numbers.length; k++) {
          kept.set(k, numbers[k] != 0);
        }
        byte[] bytes = kept.toByteArray();
        out.writeInt(bytes.length);
        out.write(bytes);
      }
      out.writeLong(checked.getChecksum().getValue());
    }
  }

  /**
   * Loads masks, and sets what they prune to zero.
   *
   * @param file the file
   * @param net the network that they are of, or another with the same parameters
   * @return the masks
   * @throws IOException if the file cannot be read, or is damaged
   * @throws IllegalArgumentException if it is of other parameters; the network is not changed then
   */
  public static PruningMasks load(Path file, MultiLayerNetwork net) throws IOException {
    return load(file, TrainedModel.of(net));
  }

  /**
   * Loads masks, and sets what they prune to zero.
   *
   * @param file the file
   * @param net the network that they are of, or another with the same parameters
   * @return the masks
   * @throws IOException if the file cannot be read, or is damaged
   * @throws IllegalArgumentException if it is of other parameters; the network is not changed then
   */
  public static PruningMasks load(Path file, ComputationGraph net) throws IOException {
    return load(file, TrainedModel.of(net));
  }

  /**
   * Loads masks, and sets what they prune to zero.
   *
   * @param file the file
   * @param sd the graph that they are of, or another with the same variables
   * @return the masks
   * @throws IOException if the file cannot be read, or is damaged
   * @throws IllegalArgumentException if it is of other variables; the graph is not changed then
   */
  public static PruningMasks load(Path file, SameDiff sd) throws IOException {
    return load(file, TrainedModel.of(sd));
  }

  private static PruningMasks load(Path file, TrainedModel trained) throws IOException {
    byte[] all = Files.readAllBytes(file);
    ByteBuffer bytes = ByteBuffer.wrap(all);
    if (all.length < 2 * Long.BYTES || bytes.getLong(0) != MAGIC) {
      throw new IOException(file + " has no masks: it was not written by PruningMasks.save(…).");
    }
    int end = all.length - Long.BYTES;
    CRC32C sum = new CRC32C();
    sum.update(all, 0, end);
    if (bytes.getLong(end) != sum.getValue()) {
      throw new IOException(file + " is damaged: save the masks again.");
    }
    List<Mask> read = new ArrayList<>();
    DataInputStream in =
        new DataInputStream(new ByteArrayInputStream(all, Long.BYTES, end - Long.BYTES));
    for (int k = in.readInt(); k > 0; k--) {
      read.add(mask(in));
    }
    Map<String, boolean[]> keep = new LinkedHashMap<>();
    for (Mask mask : read) {
      if (!Arrays.equals(trained.array(mask.name()).shape(), mask.shape())) {
        throw new IllegalArgumentException(
            "The mask of \"%s\" has the shape %s, the parameter %s: it is of another model."
                .formatted(
                    mask.name(),
                    Arrays.toString(mask.shape()),
                    Arrays.toString(trained.array(mask.name()).shape())));
      }
      boolean[] stays = new boolean[Math.toIntExact(trained.array(mask.name()).length())];
      mask.kept().stream().forEach(k -> stays[k] = true);
      keep.put(mask.name(), stays);
    }
    PruningMasks masks = of(trained, keep);
    masks.apply();
    return masks;
  }

  private record Mask(String name, long[] shape, BitSet kept) {}

  private static Mask mask(DataInputStream in) throws IOException {
    String name = in.readUTF();
    long[] shape = new long[in.readInt()];
    for (int k = 0; k < shape.length; k++) {
      shape[k] = in.readLong();
    }
    byte[] bytes = new byte[in.readInt()];
    in.readFully(bytes);
    return new Mask(name, shape, BitSet.valueOf(bytes));
  }
}
